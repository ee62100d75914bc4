-- Awards for wrk: each request a random user of the file with that user's own token.
-- Arguments after "--": tokens file, action, share of repeats (0 .. 1), prefix of the keys.

local DISTANCE = 2048

local heads, users, keyed, ring, sent, share, prefix = {}, 0, false, {}, 0, 0, ""

function init(args)
  local action = args[2]
  share = tonumber(args[3])
  prefix = args[4]
  keyed = share > 0
  math.randomseed(20261124)
  for line in io.lines(args[1]) do
    local user, token = line:match("^(%S+) (%S+)$")
    local body = string.format('{"user_id":"%s","action_id":"%s"}', user, action)
    users = users + 1
    heads[users] = {
      "POST /v1/scores HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
        .. "\r\nAuthorization: Bearer " .. token
        .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n",
      "\r\n" .. body,
    }
    if not keyed then heads[users] = heads[users][1] .. heads[users][2] end
  end
end

-- A repeat resends one of the last DISTANCE requests: most are answered, some are still in flight.
function request()
  if not keyed then return heads[math.random(users)] end
  if sent > DISTANCE and math.random() < share then return ring[math.random(DISTANCE)] end
  local head = heads[math.random(users)]
  sent = sent + 1
  local text = head[1] .. "Idempotency-Key: " .. prefix .. string.format("%012d", sent)
    .. "\r\n" .. head[2]
  ring[sent % DISTANCE + 1] = text
  return text
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,'
      .. '"max_us":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(90), latency:percentile(99), latency.max,
    e.connect, e.read, e.write, e.status, e.timeout))
end

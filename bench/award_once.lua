-- Awards for wrk: each line of a file once, in order; from its end on the last one again.
-- A line is a user, the user's token and, after that, one header or nothing.
-- Arguments after "--": the file, the action.

local requests, sent = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local user, token, header = line:match("^(%S+) (%S+) ?(.*)$")
    local body = string.format('{"user_id":"%s","action_id":"%s"}', user, args[2])
    requests[#requests + 1] = "POST /v1/scores HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
      .. "\r\nAuthorization: Bearer " .. token .. "\r\nContent-Type: application/json\r\n"
      .. (header == "" and "" or header .. "\r\n")
      .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
  end
end

function request()
  if sent < #requests then sent = sent + 1 end
  return requests[sent]
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

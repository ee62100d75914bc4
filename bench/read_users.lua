-- Standings for wrk: each request a random user. Arguments after "--": how many users there are.
-- Answers that are not 200 are counted by status: a 503 is an answer, and has to be told apart.

local threads, users = {}, 0
statuses = ""
counted = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  users = tonumber(args[1])
  math.randomseed(20261124)
end

function request()
  return wrk.format("GET", string.format("%s/user-%07d", wrk.path, math.random(0, users - 1)))
end

function response(status)
  if status ~= 200 then
    counted[status] = (counted[status] or 0) + 1
    local parts = {}
    for code, times in pairs(counted) do parts[#parts + 1] = '"' .. code .. '":' .. times end
    statuses = table.concat(parts, ",")
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,'
      .. '"max_us":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"refused":{%s}}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(90), latency:percentile(99), latency.max,
    e.connect, e.read, e.write, e.status, e.timeout, threads[1]:get("statuses")))
end

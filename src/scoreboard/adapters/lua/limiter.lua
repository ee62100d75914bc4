#!lua
-- Many requests to the sliding log, one after the other.
--
-- KEYS[1]  when this data began (us): what is older came from the memory of the nodes
-- ARGV[1]  MessagePack: the caller's clock (us; 0: this server's), when the data began as far as
--          the caller knows, how the keys of the logs begin, and an array of five a request: what
--          is asked, key, limit, window (us), moments separated by blanks
--
-- A log is a string of doubles: the moments (us) that count, oldest first. Its key is not among
-- KEYS, where two thousand words of a call would cost the caller more than all the rest; it shares
-- the hash tag. Moments of hits are even; those that a node has out of the ledger are odd, and only
-- approximately right.
--
-- Answers the time, when the data began, and two numbers a request: what remains (-1: refused) and
-- the time until more will (us). A caller that does not know this data is answered nothing else:
-- it asks again, with what it remembers.

local SIZE = 8

-- How far (us) a ledger's moment may be from the hit's: a commit, and two clocks.
local SKEW = 2000000

local function moment_at(log, i)
  local moment = struct.unpack('<d', log, SIZE * (i - 1) + 1)
  return moment == moment and moment or 0
end

local function length(log)
  return #log / SIZE
end

local function packed(moments)
  local words = {}
  for i, moment in ipairs(moments) do words[i] = struct.pack('<d', moment) end
  return table.concat(words)
end

local function all(log)
  local moments = {}
  for i = 1, length(log) do moments[i] = moment_at(log, i) end
  return moments
end

local function write(key, log, window)
  redis.call('SET', key, log, 'PX', math.ceil(window / 1000) + 1)
end

-- The moments that count; what is no log of ours counts as none, and is written over.
local function read(key, window, now)
  local log = redis.pcall('GET', key)
  if type(log) ~= 'string' or #log % SIZE ~= 0 then return '' end
  if #log > 0 and moment_at(log, length(log)) > now then
    -- The clock was set back: nobody may be locked out for longer than a window.
    local moments = all(log)
    for i, moment in ipairs(moments) do moments[i] = math.min(moment, now) end
    log = packed(moments)
    write(key, log, window)
  end
  local gone = 0
  while gone < length(log) and moment_at(log, gone + 1) <= now - window do gone = gone + 1 end
  return gone > 0 and string.sub(log, SIZE * gone + 1) or log
end

-- Without one entry for each moment in `gone`; answers a new list.
local function without(moments, gone)
  local count, left = {}, {}
  for _, moment in ipairs(gone) do count[moment] = (count[moment] or 0) + 1 end
  for _, moment in ipairs(moments) do
    if (count[moment] or 0) > 0 then
      count[moment] = count[moment] - 1
    else
      left[#left + 1] = moment
    end
  end
  return left
end

-- The first moment out of the ledger that may be the copy of a hit.
local function copy_of(hit, moments)
  for i, moment in ipairs(moments) do
    if moment % 2 == 1 and moment > hit - SKEW then return i end
  end
end

-- A hit that several nodes remember counts once. Nodes have hits of their own, exact, and what was
-- in the ledger when they started, which is everybody's: such lists are compared by their length.
local function merged(old, remembered)
  local listed, exact = {}, {}
  for _, moment in ipairs(remembered) do
    local kind = moment % 2 == 1 and listed or exact
    kind[#kind + 1] = moment
  end
  local others, both, horizon = without(old, exact), {}, 0
  for _, hit in ipairs(without(exact, old)) do
    local copy = copy_of(hit, others)
    if copy then table.remove(others, copy) end
  end
  for _, moment in ipairs(listed) do horizon = math.max(horizon, moment + SKEW) end
  for _, moment in ipairs(others) do
    if moment <= horizon then both[#both + 1] = moment else exact[#exact + 1] = moment end
  end
  if #listed > #both then both = listed end
  for _, moment in ipairs(exact) do both[#both + 1] = moment end
  return both
end

-- Enter what a node remembers of the time before this data began.
local function remember(key, limit, window, text, now, first)
  local remembered, old, young, newest = {}, {}, {}, {}
  for word in string.gmatch(text, '%d+') do
    local moment = tonumber(word)
    if moment > now - window and moment < first then remembered[#remembered + 1] = moment end
  end
  if #remembered == 0 then return end
  for _, moment in ipairs(all(read(key, window, now))) do
    local age = moment < first and old or young
    age[#age + 1] = moment
  end
  local moments = merged(old, remembered)
  for _, moment in ipairs(young) do moments[#moments + 1] = moment end
  table.sort(moments)
  for i = math.max(1, #moments - limit + 1), #moments do newest[#newest + 1] = moments[i] end
  write(key, packed(newest), window)
end

local function hit(key, limit, window, now)
  local log = read(key, window, now)
  local taken = length(log)
  if taken >= limit then
    return -1, moment_at(log, taken - limit + 1) + window - now
  end
  log = log .. struct.pack('<d', now)
  write(key, log, window)
  return limit - taken - 1, moment_at(log, 1) + window - now
end

local function give_back(key, window, text, now)
  local log, moment = read(key, window, now), tonumber(text)
  for i = length(log), 1, -1 do
    if moment_at(log, i) == moment then
      write(key, string.sub(log, 1, SIZE * (i - 1)) .. string.sub(log, SIZE * i + 1), window)
      return
    end
  end
end

local function time_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function began(now)
  local known = redis.pcall('GET', KEYS[1])
  known = type(known) == 'string' and tonumber(known)
  if known then return known end
  redis.call('SET', KEYS[1], string.format('%.0f', now))
  return now
end

local clock, known, prefix, requests = unpack(cmsgpack.unpack(ARGV[1]))
local now = clock > 0 and clock or time_us()
now = now + now % 2
local first = began(now)
local answer = {now, first}
if first ~= known then return answer end
for i = 1, #requests, 5 do
  local what, name, limit, window, text = unpack(requests, i, i + 4)
  local key, remaining, reset = prefix .. name, 0, 0
  if what == 'back' then
    give_back(key, window, text, now)
  else
    if text ~= '' then remember(key, limit, window, text, now, first) end
    if what == 'hit' then remaining, reset = hit(key, limit, window, now) end
  end
  answer[#answer + 1] = remaining
  answer[#answer + 1] = reset
end
return answer

#!lua
-- Many requests to the sliding log, one after the other.
--
-- KEYS[1]  when this data began (us): what is older came from the memory of the nodes
-- ARGV[1]  MessagePack: the caller's clock (us; 0: this server's), when the data began as far as
--          the caller knows, how the keys of the logs begin, and an array of five a request: what
--          is asked, key, limit, window (us), moments separated by blanks
--
-- A log is a list: the moments (us) that count, oldest first. A hit reads its ends alone, so that a
-- limit of a hundred thousand costs what a limit of ten does. Its key is not among KEYS, where two
-- thousand words of a call would cost the caller more than all the rest; it shares the hash tag.
-- Moments of hits are even; those that a node has out of the ledger are odd, and only approximately
-- right.
--
-- Answers the time, when the data began, and two numbers a request: what remains (-1: refused) and
-- the time until more will (us). A caller that does not know this data is answered nothing else:
-- it asks again, with what it remembers.

local CHUNK = 128 -- moments in one command

-- How far (us) a ledger's moment may be from the hit's: a commit, and two clocks.
local SKEW = 2000000

local function moment(word)
  return tonumber(word) or 0
end

local function text_of(at)
  return string.format('%.0f', at)
end

local function keep(key, window)
  redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1)
end

local function write(key, moments, window)
  redis.call('UNLINK', key)
  for first = 1, #moments, CHUNK do
    local words = {}
    for i = first, math.min(first + CHUNK - 1, #moments) do words[#words + 1] = text_of(moments[i]) end
    redis.call('RPUSH', key, unpack(words))
  end
  keep(key, window)
end

local function all(key)
  local moments = redis.call('LRANGE', key, 0, -1)
  for i, word in ipairs(moments) do moments[i] = moment(word) end
  return moments
end

-- Takes off what counts no more; answers the oldest moment that does, or nothing.
local function oldest_after(key, horizon)
  while true do
    local first = redis.call('LINDEX', key, 0)
    if not first or moment(first) > horizon then return first and moment(first) end
    local gone = 0
    for _, word in ipairs(redis.call('LRANGE', key, 0, CHUNK - 1)) do
      if moment(word) > horizon then break end
      gone = gone + 1
    end
    redis.call('LTRIM', key, gone, -1)
  end
end

-- How many moments count, and the oldest of them; what is no log of ours counts none and goes.
local function read(key, window, now)
  local newest = redis.pcall('LINDEX', key, -1)
  if not newest then return 0 end
  if type(newest) == 'table' then
    redis.call('UNLINK', key)
    return 0
  end
  if moment(newest) > now then
    -- The clock was set back: nobody may be locked out for longer than a window.
    local moments = all(key)
    for i, at in ipairs(moments) do moments[i] = math.min(at, now) end
    write(key, moments, window)
  end
  local oldest = oldest_after(key, now - window)
  return oldest and redis.call('LLEN', key) or 0, oldest
end

-- Without one entry for each moment in `gone`; answers a new list.
local function without(moments, gone)
  local count, left = {}, {}
  for _, at in ipairs(gone) do count[at] = (count[at] or 0) + 1 end
  for _, at in ipairs(moments) do
    if (count[at] or 0) > 0 then
      count[at] = count[at] - 1
    else
      left[#left + 1] = at
    end
  end
  return left
end

-- Without the copies of hits: of each the first moment out of the ledger that may be one.
local function without_copies(moments, hits)
  local copies, left, i = {}, {}, 1
  for _, hit in ipairs(hits) do
    while i <= #moments and (moments[i] % 2 == 0 or moments[i] <= hit - SKEW) do i = i + 1 end
    copies[i] = true
    i = i + 1
  end
  for place, at in ipairs(moments) do
    if not copies[place] then left[#left + 1] = at end
  end
  return left
end

-- A hit that several nodes remember counts once. Nodes have hits of their own, exact, and what was
-- in the ledger when they started, which is everybody's: such lists are compared by their length.
local function merged(old, remembered)
  local listed, exact = {}, {}
  for _, at in ipairs(remembered) do
    local kind = at % 2 == 1 and listed or exact
    kind[#kind + 1] = at
  end
  local others, both, horizon = without_copies(without(old, exact), without(exact, old)), {}, 0
  for _, at in ipairs(listed) do horizon = math.max(horizon, at + SKEW) end
  for _, at in ipairs(others) do
    if at <= horizon then both[#both + 1] = at else exact[#exact + 1] = at end
  end
  if #listed > #both then both = listed end
  for _, at in ipairs(exact) do both[#both + 1] = at end
  return both
end

-- Enter what a node remembers of the time before this data began.
local function remember(key, limit, window, text, now, first)
  local remembered, old, young, newest = {}, {}, {}, {}
  for word in string.gmatch(text, '%d+') do
    local at = tonumber(word)
    if at > now - window and at < first then remembered[#remembered + 1] = at end
  end
  if #remembered == 0 then return end
  if read(key, window, now) > 0 then
    for _, at in ipairs(all(key)) do
      local age = at < first and old or young
      age[#age + 1] = at
    end
  end
  local moments = merged(old, remembered)
  for _, at in ipairs(young) do moments[#moments + 1] = at end
  table.sort(moments)
  for i = math.max(1, #moments - limit + 1), #moments do newest[#newest + 1] = moments[i] end
  write(key, newest, window)
end

local function hit(key, limit, window, now)
  local taken, oldest = read(key, window, now)
  if taken >= limit then
    local frees = taken == limit and oldest or moment(redis.call('LINDEX', key, taken - limit))
    return -1, frees + window - now
  end
  redis.call('RPUSH', key, text_of(now))
  keep(key, window)
  return limit - taken - 1, (oldest or now) + window - now
end

local function give_back(key, window, text, now)
  if read(key, window, now) > 0 then redis.call('LREM', key, -1, text) end
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

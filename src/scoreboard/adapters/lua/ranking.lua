-- What every script of the ranking begins with: its keys, its numbers, and how it knows its own data.
--
-- KEYS[1] is the head, a hash: term, and for each slot (read, build) its generation, epoch, seq,
-- number of spans and of unseen users, and which boards are frozen since when (JSON, which no script
-- looks into). All other keys are the head's name with more behind it, in the same hash slot:
--   HEAD:GENERATION               a hash: span "BOARD:PERIOD" -> ten numbers, see `span_of`
--   HEAD:GENERATION:unseen        a set: the users that are not shown
--   HEAD:GENERATION:SPAN:order    a sorted set: minus the score -> seq (16 digits) and user
--   HEAD:GENERATION:SPAN:users    a hash: user -> "SCORE SEQ AT", the seq again of 16 digits
--   HEAD:GENERATION:SPAN:unseen   a hash like it, of the users that are not shown and not in order
-- so that ZRANGE is the order: more points first, then whoever got there first. Formatting is what
-- costs most here, so a score's seq and time stay text, as the caller wrote them; seqs of one length
-- compare as text. ARGV[1] is MessagePack, and so is the answer.

local head = KEYS[1]
local args = cmsgpack.unpack(ARGV[1])

local SEQ_DIGITS = 16 -- of 2^53 - 1
local CHUNK = 1000 -- words in one call: Lua's stack holds 8,000

-- Three texts, or nothing for what is no score.
local function parts_of(line)
  return string.match(line or '', '^(-?%d+) (%d+) (%d+)$')
end

-- One call for any number of words; the answers are added up where they are numbers.
local function call_in_chunks(command, key, words)
  local sum = 0
  for first = 1, #words, CHUNK do
    local last = math.min(first + CHUNK - 1, #words)
    local answer = redis.call(command, key, unpack(words, first, last))
    sum = sum + (tonumber(answer) or 0)
  end
  return sum
end

-- What a leader of an older version wrote, who knew of no users that are not shown, can be read and is
-- not gone on with: `readable` takes it too.
local function generation_in(slot, readable)
  local found = redis.pcall(
    'HMGET', head, slot, slot .. '.epoch', slot .. '.seq', slot .. '.spans', slot .. '.unseen',
    slot .. '.frozen'
  )
  if found.err or not found[1] then
    return nil
  end
  local generation = {
    slot = slot,
    id = found[1],
    key = head .. ':' .. found[1],
    epoch = tonumber(found[2]),
    seq = tonumber(found[3]),
    spans = tonumber(found[4]),
    unseen = tonumber(found[5]),
    frozen = found[6] or '',
    unseen_key = head .. ':' .. found[1] .. ':unseen',
  }
  if readable and not found[5] then
    generation.older = true
    generation.unseen = 0
  end
  if not generation.epoch or not generation.seq or not generation.unseen then
    return nil
  end
  -- A key that was evicted, deleted or overwritten by hand does not count what we counted.
  if redis.pcall('HLEN', generation.key) ~= generation.spans then
    return nil
  end
  return generation
end

local SPAN_FIELDS = '^(%d+)' .. string.rep(' (%d+)', 9) .. '$'
local OLDER_SPAN_FIELDS = '^(%d+)()' .. string.rep(' (%d+)', 8) .. '$'

local function keys_of(generation, name)
  local prefix = generation.key .. ':' .. name
  return prefix .. ':order', prefix .. ':users', prefix .. ':unseen'
end

-- A key that should have so many members, and may have none.
local function holds(count, command, key)
  return count == 0 or redis.pcall(command, key) == count
end

-- A span that is held, nil for one that is not, false for one that is damaged.
local function span_of(generation, name)
  local line = redis.call('HGET', generation.key, name)
  if not line then
    return nil
  end
  local count, unseen, mark_seq, mark_at, last_seq, last_at, changed_seq, changed_at, fell_seq,
    fell_at = string.match(line, generation.older and OLDER_SPAN_FIELDS or SPAN_FIELDS)
  local order, users, unseen_key = keys_of(generation, name)
  count, unseen = tonumber(count), generation.older and 0 or tonumber(unseen)
  if not count or redis.pcall('ZCARD', order) ~= count or redis.pcall('HLEN', users) ~= count then
    return false
  end
  if not holds(unseen, 'HLEN', unseen_key) then
    return false
  end
  return {
    name = name,
    order = order,
    users = users,
    unseen_key = unseen_key,
    count = count,
    unseen = unseen,
    mark = { tonumber(mark_seq), tonumber(mark_at) },
    last = { tonumber(last_seq), tonumber(last_at) },
    changed = { tonumber(changed_seq), tonumber(changed_at) },
    fell = { tonumber(fell_seq), tonumber(fell_at) },
  }
end

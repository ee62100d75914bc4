-- What the scripts that change the ranking share: terms, and writing down spans.

-- Whether a later leader was here. args[1] is the caller's term.
local function deposed()
  local known = redis.pcall('HGET', head, 'term')
  if type(known) == 'table' then
    -- Not a hash: somebody else's, or planted. Nothing can be made out of it.
    redis.call('UNLINK', head)
    known = false
  end
  known = tonumber(known or 0) or 0
  if args[1] < known then
    return true
  end
  if args[1] > known then
    redis.call('HSET', head, 'term', args[1])
  end
  return false
end

local function answer(...)
  return cmsgpack.pack({ ... })
end

-- Nothing can be done to this generation any more: it has to be built anew.
local function lost(slot)
  redis.call('HDEL', head, slot)
  return answer('out-of-place', 0)
end

-- The generation that a group goes to; or nil and the answer, when it does not fit there.
local function generation_for(slot, id, epoch, after)
  local generation = generation_in(slot)
  if not generation or (slot == 'build' and generation.id ~= id) then
    return nil, lost(slot)
  end
  if generation.epoch ~= epoch or generation.seq ~= after then
    return nil, answer('out-of-place', generation.seq)
  end
  if not holds(generation.unseen, 'SCARD', generation.unseen_key) then
    return nil, lost(slot)
  end
  return generation
end

-- Those of the users that are not shown, as a set.
local function unseen_among(generation, users)
  local found = {}
  if generation.unseen == 0 then
    return found
  end
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    local flags = redis.call('SMISMEMBER', generation.unseen_key, unpack(users, first, last))
    for index, flag in ipairs(flags) do
      if flag == 1 then
        found[users[first + index - 1]] = true
      end
    end
  end
  return found
end

local function remember_place(generation)
  local slot = generation.slot
  redis.call(
    'HSET', head, slot, generation.id, slot .. '.epoch', generation.epoch,
    slot .. '.seq', generation.seq, slot .. '.spans', generation.spans,
    slot .. '.unseen', generation.unseen, slot .. '.frozen', generation.frozen
  )
end

local function remember_span(generation, span)
  local line = string.format(
    '%.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f', span.count, span.unseen, span.mark[1],
    span.mark[2], span.last[1], span.last[2], span.changed[1], span.changed[2], span.fell[1],
    span.fell[2]
  )
  redis.call('HSET', generation.key, span.name, line)
end

local function new_span(generation, name, mark)
  local order, users, unseen_key = keys_of(generation, name)
  redis.call('UNLINK', order, users, unseen_key)
  generation.spans = generation.spans + 1
  return {
    name = name, order = order, users = users, unseen_key = unseen_key, count = 0, unseen = 0,
    mark = mark, last = mark, changed = mark, fell = { 0, 0 },
  }
end

local function later(one, other)
  if other[1] > one[1] or (other[1] == one[1] and other[2] > one[2]) then
    return other
  end
  return one
end

local function top_of(span, size)
  return redis.call('ZRANGE', span.order, 0, size - 1, 'WITHSCORES')
end

-- The newest posting that left a row in this top; nil when its user is missing.
local function newest_in(span, top)
  local newest = ''
  for index = 1, #top, 2 do
    -- Members begin with their seq.
    newest = top[index] > newest and top[index] or newest
  end
  if newest == '' then
    return { 0, 0 }
  end
  local _, seq, at = parts_of(redis.call('HGET', span.users, string.sub(newest, SEQ_DIGITS + 1)))
  if seq ~= string.sub(newest, 1, SEQ_DIGITS) then
    return nil
  end
  return { tonumber(seq), tonumber(at) }
end

-- A top was changed by the newest posting in it, by a mark, or by the last that took a row out of
-- it, down in it or back into it, whichever is latest. Answers false for a damaged span.
local function label(span, top)
  local newest = newest_in(span, top)
  if not newest then
    return false
  end
  span.changed = later(later(later(span.changed, span.mark), span.fell), newest)
  return true
end

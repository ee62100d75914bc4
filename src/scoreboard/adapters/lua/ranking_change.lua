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

local function remember_place(generation)
  local slot = generation.slot
  redis.call(
    'HSET', head, slot, generation.id, slot .. '.epoch', generation.epoch,
    slot .. '.seq', generation.seq, slot .. '.spans', generation.spans
  )
end

local function remember_span(generation, span)
  local line = string.format(
    '%.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f', span.count, span.mark[1], span.mark[2],
    span.last[1], span.last[2], span.changed[1], span.changed[2], span.fell[1], span.fell[2]
  )
  redis.call('HSET', generation.key, span.name, line)
end

local function new_span(generation, name, mark)
  local order, users = keys_of(generation, name)
  redis.call('UNLINK', order, users)
  generation.spans = generation.spans + 1
  return {
    name = name, order = order, users = users, count = 0,
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

-- A top was changed by the newest posting in it, by a mark, or by the last fall out of it or within
-- it, whichever is latest. Answers false for a damaged span.
local function label(span, top)
  local newest = newest_in(span, top)
  if not newest then
    return false
  end
  span.changed = later(later(later(span.changed, span.mark), span.fell), newest)
  return true
end

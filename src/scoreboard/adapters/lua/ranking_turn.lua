-- Takes users out of every order or puts them back, and moves the place. args: term, slot,
-- generation, epoch, after, upto, size of a top, and turns of four words each: user, what (out, gone
-- or back), seq and at. Answers the spans whose tops changed.

if deposed() then
  return answer('deposed')
end
local slot, id, epoch, after, upto, top_size, turns =
  args[2], args[3], args[4], args[5], args[6], args[7], args[8]
local loading = slot == 'build'
local generation, refusal = generation_for(slot, id, epoch, after)
if not generation then
  return refusal
end

-- All spans before the first change: a damaged one means that nothing is applied.
local spans = {}
for index, name in ipairs(redis.call('HKEYS', generation.key)) do
  spans[index] = span_of(generation, name)
  if not spans[index] then
    return lost(slot)
  end
end

local users = {}
for index = 1, #turns, 4 do
  users[#users + 1] = turns[index]
end

local function lines_of(key)
  local found = {}
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    for index, line in ipairs(redis.call('HMGET', key, unpack(users, first, last))) do
      found[users[first + index - 1]] = line or nil
    end
  end
  return found
end

-- The member of a line and its place in the order, nil for none.
local function placed(span, user, line)
  local _, seq = parts_of(line)
  local member = (seq or '') .. user
  return member, redis.call('ZRANK', span.order, member)
end

local function take_out(span, user, moment, forever)
  local line = span.seen_lines[user]
  local member, rank = placed(span, user, line)
  if not rank then
    return false
  end
  if loading or rank < top_size then
    span.fell = moment
  end
  redis.call('ZREM', span.order, member)
  redis.call('HDEL', span.users, user)
  span.count = span.count - 1
  span.seen_lines[user] = nil
  if not forever then
    redis.call('HSET', span.unseen_key, user, line)
    span.unseen = span.unseen + 1
    span.unseen_lines[user] = line
  end
  span.last = moment
  return true
end

local function put_back(span, user, moment)
  local line = span.unseen_lines[user]
  local score = parts_of(line)
  if not score then
    return false
  end
  redis.call('HDEL', span.unseen_key, user)
  redis.call('HSET', span.users, user, line)
  redis.call('ZADD', span.order, 0 - tonumber(score), (placed(span, user, line)))
  span.count, span.unseen = span.count + 1, span.unseen - 1
  span.seen_lines[user], span.unseen_lines[user] = line, nil
  local _, rank = placed(span, user, line)
  if loading or rank < top_size then
    span.fell = moment
  end
  span.last = moment
  return true
end

-- Answers false for a damaged span.
local function turn(span, user, what, moment)
  local seen, unseen = span.seen_lines[user], span.unseen_lines[user]
  if what == 'back' then
    if unseen then
      return put_back(span, user, moment)
    end
    if loading and seen then
      span.fell = moment -- What was loaded already has the turn in it.
    end
    return true
  end
  if seen then
    return take_out(span, user, moment, what == 'gone')
  end
  if unseen and what == 'gone' then
    redis.call('HDEL', span.unseen_key, user)
    span.unseen = span.unseen - 1
    span.unseen_lines[user] = nil
  end
  -- Pages that were read after it may have the user no more.
  if loading and (unseen or what == 'gone') then
    span.fell = moment
  end
  return true
end

local changed = {}
for _, span in ipairs(spans) do
  span.seen_lines, span.unseen_lines = lines_of(span.users), lines_of(span.unseen_key)
  if loading or next(span.seen_lines) or next(span.unseen_lines) then
    local before = loading and {} or top_of(span, top_size)
    for index = 1, #turns, 4 do
      local moment = { turns[index + 2], turns[index + 3] }
      if not turn(span, turns[index], turns[index + 1], moment) then
        return lost(slot)
      end
    end
    if not loading then
      local top = top_of(span, top_size)
      if table.concat(top, ' ') ~= table.concat(before, ' ') then
        if not label(span, top) then
          return lost(slot)
        end
        changed[#changed + 1] = span.name
      end
    end
    remember_span(generation, span)
  end
end

for index = 1, #turns, 4 do
  redis.call(turns[index + 1] == 'out' and 'SADD' or 'SREM', generation.unseen_key, turns[index])
end
generation.unseen = redis.call('SCARD', generation.unseen_key)
generation.seq = upto
remember_place(generation)
return answer('done', changed)

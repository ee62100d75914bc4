-- Adds scores to a span of the new generation. args: term, generation, span, mark (seq and at),
-- the latest seq and at among the scores, their users, what they are in the order (two words each)
-- and in the hash of users (two words each).

if deposed() then
  return answer('deposed')
end
local generation = generation_in('build')
if not generation or generation.id ~= args[2] then
  return lost('build')
end
local span = span_of(generation, args[3])
if span == false then
  return lost('build')
end
if span == nil then
  span = new_span(generation, args[3], { args[4], args[5] })
end

local users, placed, lines = args[8], args[9], args[10]
local hidden = unseen_among(generation, users)
if next(hidden) then
  local kept_users, kept_placed, kept_lines, unseen_lines = {}, {}, {}, {}
  for index, user in ipairs(users) do
    local to = hidden[user] and unseen_lines or kept_lines
    to[#to + 1] = user
    to[#to + 1] = lines[2 * index]
    if not hidden[user] then
      kept_users[#kept_users + 1] = user
      kept_placed[#kept_placed + 1] = placed[2 * index - 1]
      kept_placed[#kept_placed + 1] = placed[2 * index]
    end
  end
  users, placed, lines = kept_users, kept_placed, kept_lines
  span.unseen = span.unseen + call_in_chunks('HSET', span.unseen_key, unseen_lines)
end
local gone = {}
span.last = later(span.last, { args[6], args[7] })
if span.count > 0 then
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    local known = redis.call('HMGET', span.users, unpack(users, first, last))
    for index, line in ipairs(known) do
      if line then
        local _, seq = parts_of(line)
        gone[#gone + 1] = (seq or '') .. users[first + index - 1]
      end
    end
  end
end
if call_in_chunks('ZREM', span.order, gone) ~= #gone then
  return lost('build')
end
call_in_chunks('ZADD', span.order, placed)
span.count = span.count + call_in_chunks('HSET', span.users, lines)
remember_span(generation, span)
remember_place(generation)
return answer('done')

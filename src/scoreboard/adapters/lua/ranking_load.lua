-- Adds scores to a span of the new generation. args: term, generation, span, mark (seq and at),
-- scores (four words each: user, score, seq, at).

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

local scores = args[6]
local users, placed, lines, gone = {}, {}, {}, {}
for index = 1, #scores, 4 do
  local user, score, seq, at = scores[index], scores[index + 1], scores[index + 2], scores[index + 3]
  users[#users + 1] = user
  placed[#placed + 1] = digits(0 - score)
  placed[#placed + 1] = member_of(user, seq)
  lines[#lines + 1] = user
  lines[#lines + 1] = score_line(score, seq, at)
  span.last = later(span.last, { seq, at })
end
if span.count > 0 then
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    local known = redis.call('HMGET', span.users, unpack(users, first, last))
    for index, line in ipairs(known) do
      if line then
        local _, seq = read_score(line)
        gone[#gone + 1] = member_of(users[first + index - 1], seq or 0)
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

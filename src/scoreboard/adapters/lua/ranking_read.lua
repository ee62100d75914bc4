-- Answers many reads of one moment. args: the reads, each with its kind and span:
--   page: minus score and seq of the cursor as text ('' for none), number of rows
--   user: user, rows before it, rows after it
--   some: users
-- Answers epoch and seq, then for each read nothing (not held, or damaged) or the facts it needs:
-- total, last change of the top, last posting (seq and at each), own score, runs of rows.
-- Which rank or gap follows from them is not for Lua to know.

local generation = generation_in('read')
if not generation then
  return cmsgpack.pack({ 0, 0, {} })
end

-- Rows from..to with the index of the first one and how many are better than it; nil if damaged.
local function run(span, from, to)
  from = math.max(0, from)
  local found = to < from and {} or redis.call('ZRANGE', span.order, from, to, 'WITHSCORES')
  if #found == 0 then
    return { from, from, {} }
  end
  local users, rows = {}, {}
  for index = 1, #found, 2 do
    users[#users + 1] = string.sub(found[index], SEQ_DIGITS + 1)
  end
  for index, line in ipairs(redis.call('HMGET', span.users, unpack(users))) do
    local score, seq, at = read_score(line)
    local member = found[2 * index - 1]
    if not score or score ~= -tonumber(found[2 * index]) or member ~= member_of(users[index], seq) then
      return nil
    end
    rows[index] = { users[index], score, seq, at }
  end
  return { from, redis.call('ZCOUNT', span.order, '-inf', '(' .. found[2]), rows }
end

-- The index of the first row after a sort key. Its owner may have moved on since, so it is looked
-- for among equal scores, which stand in the order of their seqs.
local function index_after(span, minus_score, seq)
  if minus_score == '' then
    return 0
  end
  local low = redis.call('ZCOUNT', span.order, '-inf', '(' .. minus_score)
  local high = redis.call('ZCOUNT', span.order, '-inf', minus_score)
  seq = tonumber(seq)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = redis.call('ZRANGE', span.order, middle, middle)[1]
    if tonumber(string.sub(member, 1, SEQ_DIGITS)) <= seq then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local function page(span, asked)
  local first = index_after(span, asked[3], asked[4])
  local found = run(span, first, first + asked[5] - 1)
  if not found then
    return nil
  end
  return { {}, { found } }
end

local function user(span, asked)
  local line = redis.call('HGET', span.users, asked[3])
  if not line then
    return { {}, {} }
  end
  local score, seq, at = read_score(line)
  local rank = score and redis.call('ZRANK', span.order, member_of(asked[3], seq))
  if not rank then
    return nil
  end
  local near = run(span, rank - asked[4], rank + asked[5])
  local better = redis.call('ZCOUNT', span.order, '-inf', '(' .. digits(0 - score))
  local above = run(span, better - 1, better - 1)
  if not near or not above then
    return nil
  end
  local own = { { asked[3], score, seq, at } }
  return { own, { near, above, { rank, better, own } } }
end

local function some(span, asked)
  local rows = {}
  for first = 1, #asked[3], CHUNK do
    local last = math.min(first + CHUNK - 1, #asked[3])
    local lines = redis.call('HMGET', span.users, unpack(asked[3], first, last))
    for index, line in ipairs(lines) do
      if line then
        local score, seq, at = read_score(line)
        if not score then
          return nil
        end
        rows[#rows + 1] = { asked[3][first + index - 1], score, seq, at }
      end
    end
  end
  return { rows, {} }
end

local kinds = { page = page, user = user, some = some }
local spans, answers = {}, {}
for index, asked in ipairs(args) do
  local name = asked[2]
  if spans[name] == nil then
    spans[name] = span_of(generation, name) or false
  end
  local span = spans[name]
  local found = span and kinds[asked[1]](span, asked)
  answers[index] = found
      and {
        span.count, span.changed[1], span.changed[2], span.last[1], span.last[2], found[1], found[2],
      }
    or {}
end
return cmsgpack.pack({ generation.epoch, generation.seq, answers })

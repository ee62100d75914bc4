-- Answers many reads of one moment. args: the reads, each with its kind and span:
--   page: minus score and seq of the cursor as text ('' for none), number of rows
--   user: user, rows before it, rows after it, 1 if it asks itself: then also when it is not shown,
--         as if it stood where it would
--   some: users
-- Answers epoch and seq, then for each read nothing (not held, or damaged) or the facts it needs:
-- total, last change of the top, last posting (seq and at each), users with their scores, and runs of
-- rows: index of the first one, how many are better than it, members with their scores. What rank or
-- gap follows from them is not for Lua to know. At last, which boards are frozen.

local generation = generation_in('read', true)
if not generation then
  return cmsgpack.pack({ 0, 0, {}, '' })
end

-- Adds each name and its score to words; answers false when one that has to be there is missing.
local function add_lines(words, key, users, names)
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    local lines = redis.call('HMGET', key, unpack(users, first, last))
    for index, line in ipairs(lines) do
      if line then
        words[#words + 1] = names[first + index - 1]
        words[#words + 1] = line
      elseif names ~= users then
        return false
      end
    end
  end
  return true
end

-- Rows from..to; nil if damaged.
local function run(span, from, to)
  from = math.max(0, from)
  local members = to < from and {} or redis.call('ZRANGE', span.order, from, to)
  if #members == 0 then
    return { from, from, {} }
  end
  local users, words = {}, {}
  for index, member in ipairs(members) do
    users[index] = string.sub(member, SEQ_DIGITS + 1)
  end
  if not add_lines(words, span.users, users, members) then
    return nil
  end
  local better = from
  if from > 0 then
    local score = redis.call('ZSCORE', span.order, members[1])
    better = redis.call('ZCOUNT', span.order, '-inf', '(' .. score)
  end
  return { from, better, words }
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

-- A user that is not shown stands after `rank` rows; those that follow are one further down.
local function would_be(span, asked, line)
  local score, seq = parts_of(line)
  if not score then
    return nil
  end
  local minus_score = string.format('%.0f', 0 - tonumber(score))
  local rank = index_after(span, minus_score, seq)
  local better = redis.call('ZCOUNT', span.order, '-inf', '(' .. minus_score)
  local ahead = run(span, rank - asked[4], rank - 1)
  local behind = asked[5] > 0 and run(span, rank, rank + asked[5] - 1) or { rank, rank, {} }
  local above = run(span, better - 1, better - 1)
  if not ahead or not behind or not above then
    return nil
  end
  behind[1] = behind[1] + 1
  behind[2] = behind[2] == better and better or behind[2] + 1
  local own = { rank, better, { seq .. asked[3], line } }
  return { { asked[3], line }, { ahead, behind, above, own } }, 1
end

local function user(span, asked)
  local line = redis.call('HGET', span.users, asked[3])
  if not line and asked[6] == 1 and span.unseen > 0 then
    line = redis.call('HGET', span.unseen_key, asked[3])
    if line then
      return would_be(span, asked, line)
    end
  end
  if not line then
    return { {}, {} }
  end
  local _, seq = parts_of(line)
  local member = (seq or '') .. asked[3]
  local rank = redis.call('ZRANK', span.order, member)
  if not rank then
    return nil
  end
  local score = redis.call('ZSCORE', span.order, member)
  local better = redis.call('ZCOUNT', span.order, '-inf', '(' .. score)
  local near = run(span, rank - asked[4], rank + asked[5])
  local above = run(span, better - 1, better - 1)
  if not near or not above then
    return nil
  end
  return { { asked[3], line }, { near, above, { rank, better, { member, line } } } }
end

local function some(span, asked)
  local words = {}
  add_lines(words, span.users, asked[3], asked[3])
  if span.unseen > 0 then
    add_lines(words, span.unseen_key, asked[3], asked[3])
  end
  return { words, {} }
end

local kinds = { page = page, user = user, some = some }
local spans, answers = {}, {}
for index, asked in ipairs(args) do
  local name = asked[2]
  if spans[name] == nil then
    spans[name] = span_of(generation, name) or false
  end
  local span = spans[name]
  local found, more = nil, nil
  if span then
    found, more = kinds[asked[1]](span, asked)
  end
  answers[index] = found
      and {
        span.count + (more or 0), span.changed[1], span.changed[2], span.last[1], span.last[2],
        found[1], found[2],
      }
    or {}
end
return cmsgpack.pack({ generation.epoch, generation.seq, answers, generation.frozen })

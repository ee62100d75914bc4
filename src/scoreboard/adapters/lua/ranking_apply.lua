-- Applies a group and moves the place. args: term, slot, generation, epoch, after, upto, size of a
-- top, and the spans it touches: name, opens, mark (seq and at, zeros for none), moves (four words
-- each: user, points, seq and at as text); and which boards are frozen, '' for as before. Answers
-- which of the spans have another top, by their place in args.

if deposed() then
  return answer('deposed')
end
local slot, id, epoch, after, upto, top_size, touched =
  args[2], args[3], args[4], args[5], args[6], args[7], args[8]
local loading = slot == 'build'
local generation, refusal = generation_for(slot, id, epoch, after)
if not generation then
  return refusal
end

-- All spans before the first change: a damaged one means that nothing is applied.
local spans = {}
for index, each in ipairs(touched) do
  local span = span_of(generation, each[1])
  if span == false then
    return lost(slot)
  end
  if span == nil and each[2] then
    span = new_span(generation, each[1], { 0, 0 })
  end
  spans[index] = span or false
end

-- What a hash knows of users goes into known. Answers false for a damaged line.
local function learn(known, key, users)
  for first = 1, #users, CHUNK do
    local last = math.min(first + CHUNK - 1, #users)
    local lines = redis.call('HMGET', key, unpack(users, first, last))
    for index, line in ipairs(lines) do
      if line then
        local score, seq, at = parts_of(line)
        if not score then
          return false
        end
        local user = users[first + index - 1]
        known[user] = { score = tonumber(score), seq = seq, at = at, member = seq .. user }
      end
    end
  end
  return true
end

-- The scores of the users of these moves, false for those without; and which of the latter are not
-- shown. Nothing for a damaged span.
local function known_users(span, moves)
  local asked, known = {}, {}
  for index = 1, #moves, 4 do
    if known[moves[index]] == nil then
      known[moves[index]] = false
      asked[#asked + 1] = moves[index]
    end
  end
  if not learn(known, span.users, asked) then
    return nil
  end
  if generation.unseen == 0 then
    return known, {}
  end
  local others = {}
  for _, user in ipairs(asked) do
    if not known[user] then
      others[#others + 1] = user
    end
  end
  local hidden = unseen_among(generation, others)
  if not learn(known, span.unseen_key, others) then
    return nil
  end
  return known, hidden
end

-- Writes the users that have moved. Answers false when a place in the order was not theirs.
local function settle_users(span, known, moved, unseen)
  local gone, placed, lines, hidden = {}, {}, {}, {}
  for user in pairs(moved) do
    local now = known[user]
    local member = now.seq .. user
    -- tostring() would write 1e+15.
    local line = string.format('%.0f', now.score) .. ' ' .. now.seq .. ' ' .. now.at
    if unseen[user] then
      hidden[#hidden + 1] = user
      hidden[#hidden + 1] = line
    else
      if now.member then
        gone[#gone + 1] = now.member
      else
        span.count = span.count + 1
      end
      placed[#placed + 1] = 0 - now.score
      placed[#placed + 1] = member
      lines[#lines + 1] = user
      lines[#lines + 1] = line
    end
    now.member = member
    moved[user] = nil
  end
  local intact = call_in_chunks('ZREM', span.order, gone) == #gone
  call_in_chunks('ZADD', span.order, placed)
  call_in_chunks('HSET', span.users, lines)
  span.unseen = span.unseen + call_in_chunks('HSET', span.unseen_key, hidden)
  return intact
end

-- Answers false for a damaged span.
local function apply_moves(span, moves)
  local known, unseen = known_users(span, moves)
  if not known then
    return false
  end
  local moved, last = {}, nil
  for index = 1, #moves, 4 do
    local user, points, seq, at = moves[index], moves[index + 1], moves[index + 2], moves[index + 3]
    local now = known[user]
    if not now then
      known[user] = { score = points, seq = seq, at = at }
      moved[user] = true
      last = index
    elseif seq <= now.seq then
      -- The score was read from the ledger after this posting; where it fell from is unknown.
      if points < 0 and not unseen[user] then
        span.fell = later(span.fell, { tonumber(seq), tonumber(at) })
      end
    elseif points ~= 0 then
      if points < 0 and not unseen[user] then
        -- While loading, scores are of different moments: every fall may have changed the top.
        local rank = 0
        if not loading then
          if not settle_users(span, known, moved, unseen) then
            return false
          end
          rank = redis.call('ZRANK', span.order, now.member)
        end
        if not rank then
          return false
        end
        if rank < top_size then
          span.fell = { tonumber(seq), tonumber(at) }
        end
      end
      now.score, now.seq, now.at = now.score + points, seq, at
      moved[user] = true
      last = index
    end
  end
  if last then
    span.last = { tonumber(moves[last + 2]), tonumber(moves[last + 3]) }
  end
  return settle_users(span, known, moved, unseen)
end

local changed = {}
for index, each in ipairs(touched) do
  local span, mark, moves = spans[index], { each[3], each[4] }, each[5]
  if span then
    local before = loading and {} or top_of(span, top_size)
    if not apply_moves(span, moves) then
      return lost(slot)
    end
    span.mark = later(span.mark, mark)
    if not loading then
      local top = top_of(span, top_size)
      local marked = later(span.changed, mark) ~= span.changed
      if marked or table.concat(top, ' ') ~= table.concat(before, ' ') then
        if not label(span, top) then
          return lost(slot)
        end
        changed[#changed + 1] = index - 1
      end
    end
    remember_span(generation, span)
  end
end
generation.seq = upto
if args[9] ~= '' then
  generation.frozen = args[9]
end
remember_place(generation)
return answer('done', changed)

#!lua
-- Keep and tell news: of a top the one with the greatest (epoch, seq), of a board the last one.
--
-- KEYS[1]   the newest of everything: a hash from field to news; a top begins with its place
-- ARGV[1]   the channel, which shares the hash tag
-- ARGV[...] four a piece: field, epoch, seq (both '' for a board), news
--
-- Subscribers get one message, news separated by line ends; what is not newer is not told.

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end

local function is_newer(field, epoch, seq)
  local known = redis.call('HGET', KEYS[1], field)
  local known_epoch, known_seq = string.match(known or '', '^(%d+) (%d+)\n')
  if not known_epoch then return true end
  known_epoch, known_seq = tonumber(known_epoch), tonumber(known_seq)
  return epoch > known_epoch or (epoch == known_epoch and seq > known_seq)
end

local told = {}
for i = 2, #ARGV, 4 do
  local field, epoch, seq, news = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if epoch == '' then
    redis.call('HSET', KEYS[1], field, news)
    told[#told + 1] = news
  elseif is_newer(field, tonumber(epoch), tonumber(seq)) then
    redis.call('HSET', KEYS[1], field, epoch .. ' ' .. seq .. '\n' .. news)
    told[#told + 1] = news
  end
end
if #told > 0 then redis.call('SPUBLISH', ARGV[1], table.concat(told, '\n')) end
return #told

-- The users that are not shown. Answers nothing when it has to be rebuilt, else epoch, seq and them.

local generation = generation_in('read')
if not generation or not holds(generation.unseen, 'SCARD', generation.unseen_key) then
  return cmsgpack.pack({})
end
local users = redis.call('SMEMBERS', generation.unseen_key)
return cmsgpack.pack({ generation.epoch, generation.seq, users })

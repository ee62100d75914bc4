-- The place of a slot. args: slot, generation ('' for any), how many spans to look at (0 for all).
-- Answers nothing when it has to be rebuilt, else epoch, seq and the spans that were looked at.

local generation = generation_in(args[1])
if not generation or (args[2] ~= '' and generation.id ~= args[2]) then
  return cmsgpack.pack({})
end
if not holds(generation.unseen, 'SCARD', generation.unseen_key) then
  return cmsgpack.pack({})
end
local names = args[3] > 0 and redis.call('HRANDFIELD', generation.key, args[3])
  or redis.call('HKEYS', generation.key)
for _, name in ipairs(names) do
  if not span_of(generation, name) then
    return cmsgpack.pack({})
  end
end
return cmsgpack.pack({ generation.epoch, generation.seq, names })

-- The place of a slot. args: slot, generation ('' for any), how many spans to look at (0 for all),
-- whether to name them. Answers nothing when it has to be rebuilt, else epoch, seq and span names.

local generation = generation_in(args[1])
if not generation or (args[2] ~= '' and generation.id ~= args[2]) then
  return cmsgpack.pack({})
end
local looked = args[3]
local names = looked > 0 and redis.call('HRANDFIELD', generation.key, looked)
  or redis.call('HKEYS', generation.key)
for _, name in ipairs(names) do
  if not span_of(generation, name) then
    return cmsgpack.pack({})
  end
end
return cmsgpack.pack({ generation.epoch, generation.seq, args[4] and names or {} })

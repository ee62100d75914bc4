-- Drops a span of the generation being read. args: term, span.

if deposed() then
  return answer('deposed')
end
local generation = generation_in('read')
if generation and redis.call('HDEL', generation.key, args[2]) == 1 then
  generation.spans = generation.spans - 1
  remember_place(generation)
  redis.call('UNLINK', keys_of(generation, args[2]))
end
return answer('done')

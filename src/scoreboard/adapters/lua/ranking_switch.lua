-- Reads from the new generation: all its scores are of one moment now, so its tops get their labels.
-- args: term, generation, size of a top. Answers the generation that was read before, or ''.

if deposed() then
  return answer('deposed')
end
local generation = generation_in('build')
if not generation or generation.id ~= args[2] then
  return lost('build')
end
for _, name in ipairs(redis.call('HKEYS', generation.key)) do
  local span = span_of(generation, name)
  if not span then
    return lost('build')
  end
  span.changed = { 0, 0 }
  if not label(span, top_of(span, args[3])) then
    return lost('build')
  end
  remember_span(generation, span)
end
local before = redis.call('HGET', head, 'read')
generation.slot = 'read'
remember_place(generation)
redis.call('HDEL', head, 'build', 'build.epoch', 'build.seq', 'build.spans', 'build.unseen',
  'build.frozen')
return answer('done', before or '')

-- Deletes keys of generations that nobody reads or builds. args: term, keys.

if deposed() then
  return answer('deposed')
end
local kept = {}
for _, slot in ipairs({ 'read', 'build' }) do
  local id = redis.call('HGET', head, slot)
  if id then
    kept[#kept + 1] = head .. ':' .. id
  end
end

local function is_kept(key)
  for _, each in ipairs(kept) do
    if key == each or string.sub(key, 1, #each + 1) == each .. ':' then
      return true
    end
  end
  return false
end

for _, key in ipairs(args[2]) do
  if string.sub(key, 1, #head + 1) == head .. ':' and not is_kept(key) then
    redis.call('UNLINK', key)
  end
end
return answer('done')

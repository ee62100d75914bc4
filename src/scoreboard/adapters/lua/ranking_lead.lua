-- A leader begins its term: whatever was being built is dropped. args: term.

if deposed() then
  return answer('deposed')
end
redis.call('HDEL', head, 'build')
return answer('done')

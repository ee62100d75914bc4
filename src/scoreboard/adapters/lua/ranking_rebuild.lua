-- Begins a new generation beside the one being read. args: term, generation, epoch, seq, the users
-- that are not shown, and which boards are frozen.

if deposed() then
  return answer('deposed')
end
local generation = {
  slot = 'build', id = args[2], epoch = args[3], seq = args[4], spans = 0, unseen = #args[5],
  frozen = args[6],
}
call_in_chunks('SADD', head .. ':' .. args[2] .. ':unseen', args[5])
remember_place(generation)
return answer('done')

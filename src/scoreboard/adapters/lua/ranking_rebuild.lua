-- Begins a new generation beside the one being read. args: term, generation, epoch, seq.

if deposed() then
  return answer('deposed')
end
remember_place({ slot = 'build', id = args[2], epoch = args[3], seq = args[4], spans = 0 })
return answer('done')

-- Gives items of a claim back, uncharged. ARGV: claim, then pairs of job and item. Returns tokens.
local tokens, queues = {}, {}
local queue = redis.call('HGET', key('claim', ARGV[1]), 'queue')
for index = 2, #ARGV, 2 do
  release(ARGV[1], ARGV[index], ARGV[index + 1], false)
end
return queue and issue(queue) or {}

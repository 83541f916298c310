-- Gives items of a claim back. ARGV: claim, charged (1/0), then pairs of job and item. Returns tokens.
local queue = redis.call('HGET', key('claim', ARGV[1]), 'queue')
for index = 3, #ARGV, 2 do
  release(ARGV[1], ARGV[index], ARGV[index + 1], ARGV[2] == '1')
end
return queue and issue(queue) or {}

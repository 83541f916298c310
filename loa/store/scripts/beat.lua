-- A slot's heartbeat, and the leases of the claims it names.
-- ARGV: slot, then claims. Returns {known (1/0), draining (1/0), then 1 (held) or 0 (lost) for each claim}.
local slot = ARGV[1]
local fields = redis.call('HMGET', key('slot', slot), 'state', 'queues')
if fields[1] then
  redis.call('ZADD', key('slots'), now + LEASE, slot)
  redis.call('PEXPIRE', key('slot', slot), HEARTBEAT)
  if fields[1] == 'hot' then
    for queue in fields[2]:gmatch('%S+') do
      redis.call('ZADD', key('hot', queue), now + LEASE, slot)
    end
  end
end
local draining = redis.call('ZSCORE', key('draining'), slot:match('^(.*)/[^/]*$'))
local answer = { fields[1] and 1 or 0, draining and 1 or 0 }
local any = false
for index = 2, #ARGV do
  local claim = ARGV[index]
  local limit = int(redis.call('HGET', key('claim', claim), 'until'))
  if limit > now and redis.call('ZSCORE', key('claims'), claim) then
    redis.call('ZADD', key('claims'), math.min(now + LEASE, limit), claim)
    any = true
    answer[#answer + 1] = 1
  else
    answer[#answer + 1] = 0
  end
end
if any then
  redis.call('ZADD', key('busy'), 'XX', now + LEASE, slot)
end
return answer

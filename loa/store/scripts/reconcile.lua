-- Finds what was lost: leases that ended, wake-ups that nobody took, slots without a heartbeat, records past their time.
-- ARGV: interval (ms). Returns {ran (1/0), claims expired, items ready again, jobs failed, tokens…}. Does nothing when another process did it within the interval.
local interval = int(ARGV[1])
local fields = redis.call('HMGET', key('reconciler'), 'tick', 'run_id', 'hold')
local run_id = redis.call('INFO', 'server'):match('run_id:(%w+)')
local tick, hold = int(fields[1]), int(fields[3])
if fields[2] == run_id and now - tick < interval * 0.8 then
  return { 0, 0, 0, 0 }
end
-- Nobody could beat while nobody could tick: after a pause or a restart of Redis every lease gets one more length.
if fields[2] ~= run_id or now - tick > math.max(4 * interval, LEASE / 3) then
  hold = now + LEASE
end
redis.call('HSET', key('reconciler'), 'tick', now, 'run_id', run_id, 'hold', hold)

local expired, ready, failed = 0, 0, 0
if now >= hold then
  for _, claim in ipairs(redis.call('ZRANGEBYSCORE', key('claims'), '-inf', now, 'LIMIT', 0, 16)) do
    expired = expired + 1
    local again, over = release_all(claim)
    ready, failed = ready + again, failed + over
  end
  redis.call('ZREMRANGEBYSCORE', key('slots'), '-inf', now)
  redis.call('ZREMRANGEBYSCORE', key('busy'), '-inf', now)
end
redis.call('ZREMRANGEBYSCORE', key('draining'), '-inf', now)
redis.call('ZREMRANGEBYSCORE', key('couriers'), '-inf', now)

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', key('ended'), '-inf', now, 'LIMIT', 0, 200)) do
  local owner, id, state = entry:match('^(%S+) (%S+) (%S+)$')
  redis.call('ZREM', key('jobs', owner, state), id)
  redis.call('ZREM', key('jobs', owner, 'all'), id)
  redis.call('ZREM', key('ended'), entry)
end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', key('kept'), '-inf', now, 'LIMIT', 0, 200)) do
  forget_delivery(entry:match('^(%S+) (%S+) (%S+)$'))
  redis.call('ZREM', key('kept'), entry)
end

local reply = { 1, expired, ready, failed }
for _, queue in ipairs(redis.call('SMEMBERS', key('queues'))) do
  redis.call('ZREMRANGEBYSCORE', key('hot', queue), '-inf', now - LEASE)
  for _, token in ipairs(issue(queue)) do
    reply[#reply + 1] = token
  end
end
return reply

-- Claims deliveries that are due, under a lease; a claim whose lease ends gives its delivery back by itself.
-- ARGV: courier, ms until it must claim again to count as alive, nonce, lease (ms), then pairs of a pace and how many of its lane at most.
-- Returns {ms until something is due in a lane that has room, or -1, n, n × (claim, delivery's record, endpoint's record, job's record) as flat lists}.
local MOST_BURIED = 200 -- a call: an endpoint that was disabled may have very many
local lease = int(ARGV[4])
redis.call('ZADD', key('couriers'), now + int(ARGV[2]), ARGV[1])

local claims, buried, following = {}, 0, math.huge

-- Claims what is due to an endpoint, until there are so many claims in all.
local function take(endpoint, most)
  local waiting, flying = key('due', endpoint), key('flying', endpoint)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', flying, '-inf', now)) do
    redis.call('ZREM', flying, id)
    redis.call('HDEL', key('delivery', id), 'claim')
    redis.call('ZADD', waiting, now, id)
  end
  local closed = disabled(endpoint)
  while #claims < most and buried < MOST_BURIED and room(endpoint) > 0 do
    local id = redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, 1)[1]
    if not id then
      return
    end
    redis.call('ZREM', waiting, id)
    local delivery = read_delivery(id)
    local test = delivery and delivery.event == TEST
    if delivery and not test and (closed or redis.call('EXISTS', key('job', delivery.job)) == 0) then
      bury(delivery, closed and 'endpoint_disabled' or 'job_forgotten')
      buried = buried + 1
    elseif delivery then
      local claim = turn() .. '-' .. ARGV[3]
      redis.call('HSET', key('delivery', id), 'claim', claim)
      redis.call('ZADD', flying, now + lease, id)
      claims[#claims + 1] = { claim, delivery }
    end
  end
end

for index = 5, #ARGV, 2 do
  local lane, places = key('lane', ARGV[index]), int(ARGV[index + 1])
  local most = #claims + places
  for _, endpoint in ipairs(redis.call('ZRANGEBYSCORE', lane, '-inf', now, 'LIMIT', 0, places)) do
    if #claims < most and buried < MOST_BURIED then
      take(endpoint, most)
      reckon(endpoint)
    end
  end
  if #claims < most then
    following = math.min(following, tonumber(redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')[2]) or math.huge)
  end
end

local reply = { following < math.huge and math.max(0, following - now) or -1, #claims }
for _, pair in ipairs(claims) do
  local claim, delivery = unpack(pair)
  reply[#reply + 1] = claim
  reply[#reply + 1] = redis.call('HGETALL', key('delivery', delivery.id))
  reply[#reply + 1] = redis.call('HGETALL', key('endpoint', delivery.endpoint))
  reply[#reply + 1] = redis.call('HGETALL', key('job', delivery.job))
end
return reply

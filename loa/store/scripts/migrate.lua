-- Brings the data of an older version up to SCHEMA, unless a worker of that version still runs. ARGV: the schema that was found.
-- Returns {'migrated'}, {'changed', schema} where another process was faster, or {'running', n × slot}.
local found = redis.call('GET', key('schema'))
if found ~= ARGV[1] then
  return { 'changed', found }
end
local running = { 'running' }
for _, slot in ipairs(redis.call('ZRANGEBYSCORE', key('slots'), '(' .. now, '+inf')) do
  if int(redis.call('HGET', key('slot', slot), 'schema')) < SCHEMA then -- schema 1 announced none
    running[#running + 1] = slot
  end
end
if #running > 1 then
  return running
end
if int(found) < 2 then -- 2 has `unfinished` and `counts`
  redis.call('UNLINK', key('unfinished'), key('counts'))
  for _, all in ipairs(redis.call('KEYS', key('jobs', '*', 'all'))) do
    local index = all:sub(1, -#'all' - 1)
    for state in pairs(MOVES) do -- those that a job can leave
      local jobs = redis.call('ZRANGE', index .. state, 0, -1, 'WITHSCORES')
      redis.call('HINCRBY', key('counts'), state, #jobs / 2)
      for place = 1, #jobs, 2 do
        redis.call('ZADD', key('unfinished'), jobs[place + 1], jobs[place])
      end
    end
    for _, state in ipairs({ 'succeeded', 'failed', 'canceled' }) do
      redis.call('HINCRBY', key('counts'), state, redis.call('ZCARD', index .. state))
    end
  end
end
-- 3 has segments of several engines in one job, and chapters: older jobs have neither, and are read as they are
redis.call('SET', key('schema'), SCHEMA)
return { 'migrated' }

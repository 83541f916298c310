-- Segments of which no speech came. Each is spoken again, by whoever claims it next; at MAX_TAKES, or at once where another take would be no better,
-- it is left out of its job for good. No worker is lost, so nothing is charged.
-- ARGV: claim, then four for each segment: job, item, at once (1/0), what is said of it if it is left out (JSON). Returns tokens.
local claim = ARGV[1]
local queues = {}
for index = 2, #ARGV, 4 do
  local id, item = ARGV[index], ARGV[index + 1]
  local record = held(claim, id, item)
  drop_claim_item(claim, id, item)
  local job = record and place(id)
  if job and job.state == 'speaking' then
    local queue = queue_of(job, item, record)
    record[7] = int(record[7]) + 1
    redis.call('HINCRBY', key('totals', queue), 'bad_takes', 1)
    if ARGV[index + 2] == '1' or record[7] >= MAX_TAKES then
      leave_out(job, item, record, ARGV[index + 3])
      queues.assemble = conclude(job) or queues.assemble
    elseif move(job, 'return') then
      make_ready(job, item, record, true)
      queues[queue] = true
    end
  end
end
local tokens = {}
for queue in pairs(queues) do
  for _, token in ipairs(issue(queue)) do
    tokens[#tokens + 1] = token
  end
end
return tokens

-- Cancels a job of an owner. ARGV: job, owner. Returns its state afterwards, or nothing where the owner has no such job.
local job = place(ARGV[1])
if not job or job.owner ~= ARGV[2] then
  return false
end
if move(job, 'cancel') then
  close(job)
end
return job.state

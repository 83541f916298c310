-- Fails a job over an item that the claim holds. ARGV: claim, job, item, error (JSON). Returns 1, or 0 where the claim is superseded.
local claim, id, item = ARGV[1], ARGV[2], ARGV[3]
local job = held(claim, id, item) and place(id)
drop_claim_item(claim, id, item)
return job and fail(job, ARGV[4]) and 1 or 0

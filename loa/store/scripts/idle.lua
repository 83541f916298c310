-- A task of this slot has ended: it is free for the next wake-up. ARGV: slot, queue. Returns tokens for its successor.
redis.call('ZREM', key('busy'), ARGV[1])
return issue(ARGV[2])

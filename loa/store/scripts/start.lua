-- Marks items of a claim as started: from here on a death is charged to them.
-- ARGV: claim, then pairs of job and item. Returns 1 for every item that the claim still holds, else 0, in order.
local answer = {}
for index = 2, #ARGV, 2 do
  local record = held(ARGV[1], ARGV[index], ARGV[index + 1])
  if record then
    record[3] = 's'
    write_item(ARGV[index], ARGV[index + 1], record)
  end
  answer[#answer + 1] = record and 1 or 0
end
return answer

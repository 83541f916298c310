-- A process that shuts down gives back what it holds, as if it had never claimed it. ARGV: pairs of delivery and claim. Returns how many.
local back = 0
for index = 1, #ARGV, 2 do
  local delivery = read_delivery(ARGV[index])
  if land(delivery, ARGV[index + 1]) then
    make_due(delivery, now)
    back = back + 1
  end
end
return back

-- Remove scored windows from the ready stream: each only if it still is the window that was scored.
-- A Redis that came back older can give a stream id a second time, to another window.
--
-- KEYS  1  ready: stream  2  ready bytes   (see partition.lua)
-- ARGV  1  consumer group
--       2  MessagePack list, flat: stream id, key, header, first place, last place of each window
-- Returns how many windows were removed. A repeat is harmless.

local ready, ready_bytes, removed, bytes = KEYS[1], KEYS[2], 0, 0
local windows = cmsgpack.unpack(ARGV[2])
for n = 1, #windows, 5 do
  local id = windows[n]
  local found = redis.call('XRANGE', ready, id, id)[1]
  if found then
    local fields = {}
    for f = 1, #found[2], 2 do
      fields[found[2][f]] = found[2][f + 1]
    end
    local e = fields['e']
    if fields['k'] == windows[n + 1] and fields['h'] == windows[n + 2]
        and string.sub(e, 17, 24) == windows[n + 3] and string.sub(e, -8) == windows[n + 4] then
      redis.call('XACK', ready, ARGV[1], id)
      if redis.call('XDEL', ready, id) == 1 then
        removed, bytes = removed + 1, bytes + ready_bytes_of(fields['k'], e)
      end
    end
  end
end
-- Never below what is there: a stream that is empty takes nothing, whatever was counted.
if removed > 0 and redis.call('XLEN', ready) > 0 then
  redis.call('DECRBY', ready_bytes, bytes)
elseif removed > 0 then
  redis.call('DEL', ready_bytes)
end
return removed

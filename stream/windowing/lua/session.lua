-- Shared by apply.lua and flush.lua, which are loaded behind it. Touches nothing by itself.
--
-- A session is one field of the hash `sessions`: the session's key -> its packed state:
--   4 bytes  events the session has had          (unsigned, big-endian)
--   8 bytes  effective time of its last event, ms
--   then its last `size` events at most, oldest first, ENTRY bytes each:
--     8 bytes  event ID
--     8 bytes  effective time, ms
--     8 bytes  place: offset * 65536 + line in record
--
-- A window in the stream `ready` has the fields
--   k  the session's key
--   h  4 bytes session events when it was cut, 1 byte: 1 when final, else 0
--   e  its events, ENTRY bytes each

local ENTRY = 24
local HEADER = 12

local function unpack_session(packed)
  local count, last = struct.unpack('>I4I8', packed)
  return count, last, string.sub(packed, HEADER + 1)
end

local function tail(events, size)
  if #events > size * ENTRY then
    return string.sub(events, -size * ENTRY)
  end
  return events
end

local function cut(ready, key, count, final, events)
  redis.call('XADD', ready, '*', 'k', key, 'h', struct.pack('>I4B', count, final), 'e', events)
end

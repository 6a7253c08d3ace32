-- What a window takes in the ready stream, shared by the scripts that add windows and that which removes them.

-- About how many bytes: its texts, a quarter for the slack of the allocator, and the entry around them. MEMORY USAGE
-- tells the same, but counts on from the oldest few windows, which at a stream's beginning are small ones.
local function ready_bytes_of(key, events)
  return math.floor((#key + #events) * 5 / 4) + 64
end

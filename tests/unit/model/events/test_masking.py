"""Masks: which forms of words are variables."""

import pytest

from model.events.masking import mask
from model.events.shapes import shape


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("took 12 tries", "took <*> tries"),
        ("temperature -4", "temperature <*>"),
        ("used 12.5 MB of 3GB", "used <*> of <*>"),
        ("sent 1430 bytes (1.39 KB) in <1 sec", "sent <*> in <*>"),
        ("lifetime 00:12:59.123", "lifetime <*>"),
        ("at Sun Jul 10 03:55:15 2005", "at <*>"),
        ("peer 10.0.0.17 left", "peer <*> left"),
        ("peer /10.251.73.220:50010", "peer /<*>:<*>"),
        ("peer db-7.prod.example.com:5432 gone", "peer <*>:<*> gone"),
        ("peer fe80::1ff:fe23:4567:890a", "peer <*>"),
        ("mac 00:1B:44:11:3A:B7", "mac <*>"),
        ("order 3f2504e0-4f89-11d3-9a0c-0305e82c3301 paid", "order <*> paid"),
        ("address 0x7fff5fbff8a0", "address <*>"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <*>"),
        ("mail to jane.doe+x@mail.example.org sent", "mail to <*> sent"),
        ("GET https://shop.example/cart?id=7 done", "GET <*> done"),
        ("opened /var/log/app/today.log: ok", "opened <*>: ok"),
        (r"opened C:\Users\jane\notes.txt", "opened <*>"),
        ("session QW9lc29mZjEyMw9xk3 ended", "session <*> ended"),
        ("pod web-7f8c9d-xk2lp ready", "pod web-<*> ready"),
        ("task attempt_200_0001_m_000003 done", "task attempt_<*> done"),
        ("blocks blk_1 blk_-2 blk_3", "blocks blk_<*>"),
        ("eth0 is up", "eth<*> is up"),
        ("user=root uid=0", "user=root uid=<*>"),
        ("failed: read/write on NameNode.java", "failed: read/write on NameNode.java"),
    ],
)
def test_a_variable_is_masked_by_its_form(message, expected):
    """Numbers, addresses, paths and identifiers become wildcards; words stay."""
    assert expected == mask(shape(message.encode())).decode()


def test_white_space_is_no_part_of_a_template():
    """Tabs and runs of spaces read as one space."""
    assert mask(b"  a\tb   c ") == b"a b c"

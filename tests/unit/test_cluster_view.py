"""What is still to be done for a cluster follows from what its nodes say, at every stage of forming it."""

from localcloud.cluster_view import SLOTS, NodeView, Shape, Step, is_formed, next_steps, parse_nodes

SHAPE = Shape(masters=3, replicas_each=1)

Facts = dict[int, tuple[str, str]]
"""By number: the id of the master it copies or ``-``, and its slots."""

ALONE: Facts = dict.fromkeys(range(1, 7), ("-", ""))
DEALT: Facts = {**ALONE, 1: ("-", "0-5460"), 2: ("-", "5461-10921"), 3: ("-", "10922-16383")}
WHOLE: Facts = {**DEALT, 4: ("id1", ""), 5: ("id2", ""), 6: ("id3", "")}


def view(of: int, facts: Facts, *, known: range = range(1, 7), handshake: int = 0, copying: bool = False) -> NodeView:
    lines = []
    for number in known:
        master, slots = facts[number]
        flags = ["myself"] if number == of else ["handshake"] if number == handshake else []
        flags.append("slave" if master != "-" else "master")
        address = f"127.0.0.1:{7000 + number}@{17000 + number}"
        lines.append(f"id{number} {address} {','.join(flags)} {master} 0 0 0 connected {slots}")
    return NodeView(7000 + of, 17000 + of, parse_nodes("\n".join(lines)), state_ok=True, copying=copying)


def views(facts: Facts) -> list[NodeView]:
    return [view(number, facts) for number in range(1, 7)]


def alone(facts: Facts) -> list[NodeView]:
    return [view(number, facts, known=range(number, number + 1)) for number in range(1, 7)]


def commands(steps: list[Step]) -> list[tuple[int, str]]:
    return [(port, " ".join(map(str, command))) for port, command in steps]


def test_lines_are_read_with_all_their_forms_of_slots() -> None:
    (node,) = parse_nodes("a 1.2.3.4:1@2,host myself,master - 0 0 7 connected 5 10-19 [93-<-b] 100-100")
    assert (node.id, node.epoch, node.slots, node.master) == ("a", 7, 12, None)
    (replica,) = parse_nodes("b :0@0 slave,fail,noaddr a 0 0 7 disconnected")
    assert (replica.master, replica.slots, replica.usable) == ("a", 0, False)


def test_shares_of_the_masters_are_all_slots() -> None:
    shares = [SHAPE.slots(master) for master in range(3)]
    assert shares == [(0, 5460), (5461, 10921), (10922, SLOTS - 1)]


def test_strangers_are_given_epochs_and_slots_then_meet() -> None:
    dealing = commands(next_steps(alone(ALONE), SHAPE))
    assert dealing[:6] == [(7000 + number, f"CLUSTER SET-CONFIG-EPOCH {number}") for number in range(1, 7)]
    assert dealing[6:] == [
        (7001, "CLUSTER ADDSLOTSRANGE 0 5460"),
        (7002, "CLUSTER ADDSLOTSRANGE 5461 10921"),
        (7003, "CLUSTER ADDSLOTSRANGE 10922 16383"),
    ]
    meeting = commands(next_steps(alone(DEALT), SHAPE))
    assert meeting == [(7001, f"CLUSTER MEET 127.0.0.1 {7000 + n} {17000 + n}") for n in range(2, 7)]


def test_nobody_copies_before_everybody_knows_everybody() -> None:
    """A node that does not know its master yet would refuse."""
    almost = views(DEALT)
    almost[4] = view(5, DEALT, handshake=3)
    assert next_steps(almost, SHAPE) == []


def test_each_master_is_given_a_replica() -> None:
    expected = [(7004, "CLUSTER REPLICATE id1"), (7005, "CLUSTER REPLICATE id2"), (7006, "CLUSTER REPLICATE id3")]
    assert commands(next_steps(views(DEALT), SHAPE)) == expected
    assert commands(next_steps(views({**DEALT, 5: ("id1", "")}), SHAPE)) == [
        (7004, "CLUSTER REPLICATE id2"),
        (7006, "CLUSTER REPLICATE id3"),
    ]


def test_a_formed_cluster_is_left_alone_whoever_is_master() -> None:
    for facts in (WHOLE, {**WHOLE, 1: ("id4", ""), 4: ("-", "0-5460")}):
        assert is_formed(views(facts), SHAPE)
        assert next_steps(views(facts), SHAPE) == []


def test_what_is_not_formed() -> None:
    """A master without replica, slots nobody has, a replica without its data, a node that says it is down."""
    one_copying, one_down = views(WHOLE), views(WHOLE)
    one_copying[5] = view(6, WHOLE, copying=True)
    one_down[0] = NodeView(7001, 17001, one_down[0].nodes, state_ok=False, copying=False)
    for unfinished in (
        views(DEALT),
        views({**WHOLE, 5: ("id1", "")}),
        views({**WHOLE, 3: ("-", "10922-16000")}),
        one_copying,
        one_down,
    ):
        assert not is_formed(unfinished, SHAPE)

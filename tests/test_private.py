from finetune.private import PrivateName


def test_a_signature_is_read_as_a_name_and_its_parameters():
    assert PrivateName.declared("a.b(self, c)", "d", "e") == PrivateName("a.b", "d", "e", ("self", "c"))
    assert PrivateName.declared("a.b", "d", "e").parameters is None
    assert PrivateName.declared("a.b()", "d", "e").parameters == ()
    assert PrivateName.declared("a.b", "d", "e").name == "b"

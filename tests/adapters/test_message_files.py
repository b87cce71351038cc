"""Message classes come to be with fewer questions, and are the same."""

from tests.adapters.fresh_process import LEAN, alone


def test_a_file_of_message_classes_is_gone_through_when_its_last_name_is_there_and_not_after_each() -> None:
    """The same classes come of it, registered and whole."""
    told = """
import proto.message
files = proto.message._file_info._FileInfo
fields, gone_through = files.unresolved_fields, []
files.unresolved_fields = property(lambda file: gone_through.append(file.name) or fields.fget(file))
from google.pubsub_v1.types import pubsub
message = pubsub.PubsubMessage(data=b"d", attributes={"a": "b"}, ordering_key="o")
told = [
    len(gone_through) < 20,
    [name for name in pubsub.__protobuf__.manifest if not getattr(pubsub, name).pb().DESCRIPTOR.full_name],
    pubsub.PubsubMessage.serialize(message).hex(),
    files.registry.keys() & {"google/pubsub_v1/types/pubsub.proto", "google/pubsub_v1/types/schema.proto"} == set(),
]
"""
    without = alone(told)
    assert alone(LEAN + told) == [True, *without[1:]]
    assert without[0] is False

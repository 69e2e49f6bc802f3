"""A gRPC service known by reflection only: no .proto file, no generated code.

Requests are plain dictionaries. Bytes are written as 0x and hexadecimal digits, or given as bytes; all else is as in
protobuf. Answers are protobuf messages of classes that are made from the descriptors which the service sends.
"""

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Reflected:
    """One service of a server."""

    def __init__(self, address, service):
        self.channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self.channel).result(timeout=30)
        database = ProtoReflectionDescriptorDatabase(self.channel)
        self.services = sorted(database.get_services())
        if service not in self.services:
            raise LookupError(f"{address} has no service {service}, but {self.services}")
        self.descriptor = DescriptorPool(database).FindServiceByName(service)

    def methods(self):
        """Names of the service's methods."""
        return [method.name for method in self.descriptor.methods]

    def call(self, name, request=None, timeout=30):
        """Calls a method: an answer, or an iterator of answers if the method streams them.

        A method that takes a stream gets a list of requests.
        """
        method = self.descriptor.FindMethodByName(name)
        if method is None:
            raise LookupError(f"{self.descriptor.full_name} has no method {name}, but {self.methods()}")
        request_class = message_factory.GetMessageClass(method.input_type)
        answer_class = message_factory.GetMessageClass(method.output_type)
        sends, answers = (
            "stream" if streaming else "unary" for streaming in (method.client_streaming, method.server_streaming)
        )
        open_call = getattr(self.channel, f"{sends}_{answers}")
        call = open_call(
            f"/{self.descriptor.full_name}/{name}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=answer_class.FromString,
        )
        if method.client_streaming:
            return call((fill(request_class(), entry) for entry in request), timeout=timeout)
        return call(fill(request_class(), request or {}), timeout=timeout)

    def enum_name(self, message, field):
        """The name of an enum field's value."""
        return message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name


def fill(message, values):
    """Sets a message's fields from a dictionary; unknown names are refused."""
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise LookupError(f"{message.DESCRIPTOR.full_name} has no field {name}")
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.is_repeated:
            for entry in value:
                fill(getattr(message, name).add(), entry)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            # An empty message is present too.
            getattr(message, name).SetInParent()
            fill(getattr(message, name), value)
        elif field.is_repeated:
            getattr(message, name).extend(scalar(field, entry) for entry in value)
        else:
            setattr(message, name, scalar(field, value))
    return message


def scalar(field, value):
    if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    if field.type == FieldDescriptor.TYPE_ENUM and isinstance(value, str):
        return field.enum_type.values_by_name[value].number
    return value

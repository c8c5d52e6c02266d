# A first program with the Python SDK, as a person writes it: `python program.py <endpoints> <topic>`.
import sys

from rocketmq import ClientConfiguration, Credentials, Message, Producer

endpoints, topic = sys.argv[1:]
producer = Producer(ClientConfiguration(endpoints, Credentials()), (topic,))
producer.startup()
message = Message()
message.topic = topic
message.body = b"hello"
print("sent", producer.send(message).message_id)
producer.shutdown()

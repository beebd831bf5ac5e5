"""What is said where the owner has laid down that something is said, but not which words."""

from collections.abc import Mapping

AFTER_HOURS: Mapping[str, str] = {
    "ru": "Здравствуйте! {company}, меня зовут {name}. Сейчас мы не работаем, но я отвечу на вопросы и запишу "
    "сообщение. Слушаю вас.",
    "en": "Hello! {company}, this is {name}. We are closed at the moment, but I can answer questions and take a "
    "message. How can I help you?",
}
"""Greetings outside opening hours."""

LOST_CALL: Mapping[str, str] = {
    "ru": "{company}: звонок прервался из-за неполадки у нас. Пожалуйста, перезвоните или ответьте на это сообщение.",
    "en": "{company}: your call was cut off by a fault on our side. Please call again, or answer this message.",
}
"""Text messages to who was cut off by a fault of ours."""

"""What the chunker knows as data: abbreviations by the way they may end a sentence, words that announce an address."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Abbreviations that something always follows: a stop after them never ends a sentence.
NEVER_ENDS = _words(
    """
    ул д г пр пр-т пр-кт просп пер пл бул б-р наб ш мкр корп к стр кв оф каб эт под п пп пос дер с р-н о оз р ст т тел
    факс моб доб см ср напр им проф акад доц доктор г-н г-жа гр гос св нач зам зав рис табл гл ок прибл е и авт ред изд
    вкл искл ж бывш
    mr mrs ms mx dr prof rev gen col sgt capt lt maj cmdr hon gov pres sen rep messrs vs e.g i.e eg ie cf viz fig figs
    vol pp approx apt ste dept ext tel ph mt ft messrs ca
    """
)

# Abbreviations that may also be the last word: they end a sentence only when a capital follows.
MAY_END = _words(
    """
    гг вв чел руб коп р тыс млн млрд трлн мин сек час ч нед мес обл др проч шт экз уч ум род м см мм км кг мг гр л мл га
    н.э э янв февр мар апр июн июл авг сен сент окт ноя нояб дек пн вт чт пт сб вс
    etc inc ltd co corp llc plc jr sr ave blvd rd ln hwy sq al a.m p.m am pm jan feb apr jun jul aug sep sept oct nov
    dec mon tue tues wed thu thur thurs fri hr hrs min mins sec secs lb lbs oz yd esq bros est max
    """
)

# Single letters that are abbreviations only after another one: "т. д.", "т. п.", "н. э.", "т. е.".
SECOND_LETTERS_THAT_MAY_END = frozenset({("т", "д"), ("т", "п"), ("н", "э"), ("и", "пр"), ("и", "др")})

# Short words that are ordinary: a stop after them is as certain as after a long one.
SHORT_WORDS = _words(
    """
    да нет вас вам нас нам час дня лет год раз вы мы он она они это так уже ещё еще там тут вот тоже вами нами мне меня
    вод дом чем кто что ним ней них его её ее или нём два три пять шесть семь ночи утра
    you it us me yes too now day out one two six ten him her do go up on off him all any way hi bye ok far yet ago
    """
)

# Words before which or after which a domain name may stand: the stop after the next words must wait for what follows.
SITE_CUES = _words(
    """
    сайт сайте сайта сайту сайтом адрес адресу адреса домен домене ссылка ссылке ссылку почта почту почте почты
    site website page link url domain visit email e-mail mail www address at browse open via
    file document файл файле документ
    """
)

# Names that are domains more often than words.
SITE_NAMES = _words("example google gmail yandex mail outlook amazon facebook telegram youtube яндекс")

# After these words a single capital letter with a stop is no initial.
LETTER_NAMES = _words(
    "план вариант витамин группа корпус подъезд буква класс секция plan option vitamin group building grade type"
)

# A comma after these belongs to an address or a date, so it is no place to begin speaking.
NO_CLAUSE_AFTER = _words(
    """
    улица улице улицы улицу проспект проспекте переулок переулке площадь площади набережная шоссе город городе дом дома
    доме корпус квартира офис этаж подъезд ул пр пер пл наб
    понедельник вторник среда среду четверг пятница пятницу суббота субботу воскресенье понедельника вторника среды
    четверга пятницы субботы воскресенья
    street avenue road lane boulevard square building suite apartment floor monday tuesday wednesday thursday friday
    saturday sunday
    january february march april may june july august september october november december
    """
)

SENTENCE_STOPS = frozenset(".?!…")
CLAUSE_MARKS = frozenset(",;:—–")
OPENERS = "([{«“„‹"
CLOSERS = ")]}»”’›"
# What may follow a stop and still belongs to the sentence before it.
TAIL_MARKS = frozenset(".?!…" + CLOSERS + "\"'*_`~")
SCHEMES = frozenset({"http", "https", "ftp", "mailto", "tel", "sip"})

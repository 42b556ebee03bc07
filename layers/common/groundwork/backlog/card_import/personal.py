"""Detect columns with personal data: names, addresses, accounts."""

import re
from collections.abc import Iterable

from groundwork.backlog.card_import.names import (
    is_question,
    key,
    last,
    listed,
    shown,
    without_brackets,
    word_list,
    words,
)
from groundwork.backlog.card_import.people import is_address, is_phone

_PERSON_WORDS = frozenset(
    word_list(
        """author reviewer respondent requester requestor submitter assignee reporter creator owner agent customer
        user contact consumer member commenter collaborator collaborators poster sender recipient voter follower
        watcher participant interviewer interviewee lead employee person people staff client subscriber buyer
        shopper guest visitor patient student operator teammate admin admins assignees watchers voters followers
        caller approver approvers informer
        autor auteur kunde melder ersteller bearbeiter nutzer benutzer usuario utilisateur cliente gebruiker
        klient"""
    )
)
_PERSONAL_KEYS = frozenset(
    listed(
        """name, names, full name, fullname, first name, firstname, last name, lastname, middle name, surname,
        given name, family name, nickname, reviewer nickname, display name, username, user name, user, login,
        handle, screen name, your name, real name, email, e-mail, mail, email address, e-mail address,
        mailadresse, e-mail-adresse, phone, phone number, telephone, mobile, mobile number, cell, cell phone,
        tel, tel no, telephone number, mobile no, mobile phone, phone no, contact number, contact no, contact phone,
        contact email, caller, handy, mobil, mobiltelefon, móvil, celular, cellulare, fax, whatsapp, ip,
        ip address, ipaddress, address, street, street address, postal address, date of birth,
        birthday, birth date, dob, gender, age, ssn, passport, avatar, avatar url, photo, photo url,
        profile picture, profile url, profile link, linkedin, twitter, twitter handle, instagram, facebook,
        author, authors, by, from, to, cc, bcc, reviewer, respondent, requester, requestor, submitter, assignee,
        assignees, reporter, creator, created by, updated by, assigned to, assigned agent, from id, sender id,
        modified by, last modified by, owner, case owner, agent, contact, customer, consumer, member, members,
        collaborator, collaborators, voter, voters, follower, followers, watchers, watcher, participants, sender,
        recipient, employee, person, people, latitude, longitude, locationlatitude, locationlongitude,
        location latitude, location longitude, recipient email, external data reference, network id,
        webshop user id, device id, advertising id, idfa, cookie id, account manager, project lead,
        user profile, user_profile, user agent,
        request participants, melder, approvers, approver, kunde, kundin, kunden, kontakt, kontaktperson,
        name und vorname, vorname, nachname, telefon, telefonnummer, handynummer, adresse, anschrift,
        geburtsdatum, autor, zugewiesene person, ersteller, nom, prénom, courriel, adresse e-mail, adresse mail,
        téléphone, auteur, nom complet, rapporteur, responsable, identifiant utilisateur, nombre, apellido,
        apellidos, nombre completo, correo, correo electrónico, teléfono, dirección,
        dirección de correo electrónico, usuario, informador, persona asignada, nome, sobrenome, nome completo,
        endereço, endereço de e-mail, telefone, cognome, indirizzo, indirizzo email, telefono, cliente, naam,
        voornaam, achternaam, e-mailadres, telefoonnummer, imię, nazwisko, imię i nazwisko, adres e-mail, ad,
        soyad, e-posta, e-posta adresi, имя, фамилия, фио, почта, телефон, адрес, адрес электронной почты, автор,
        пользователь, исполнитель, 氏名, 名前, お名前, メールアドレス, 電話番号, 住所, ユーザー名, 作成者,
        担当者, 報告者, 姓名, 邮箱, 电子邮件, 电话, 手机, 手机号, 用户名, 作者, 用户, 電子郵件地址, 電話, 이름,
        이메일, 이메일 주소, 전화번호, 사용자, 작성자"""
    )
)
_PERSONAL_WORDS = frozenset(word_list("""email emails mail nickname phone telephone username userid ip"""))
# `customer feedback` and `user role` say nothing about a person
_THINGS = frozenset(
    word_list(
        """count counts total score rating language locale type role group status satisfaction effort segment plan
        tier interactions interaction version device platform agent experience feedback comment comments
        comment's review message text request story success service needs need impact value journey reply
        response os"""
    )
)
# `Blocked by` names another item
_BY_THINGS = frozenset(
    word_list("blocked duplicated caused superseded replaced sorted grouped due ranked powered group")
)
_MAX_BY_WORDS = 4
_STEMS = re.compile(
    r"(kunden?|kundinnen|melder|ansprechpartner|kontaktperson|anrufer)(in|innen)?"
    r"(name|nr|nummer|nummern|e?mail|mailadresse|telefon|id|adresse|kontakt)?"
)
_ADDRESSED = frozenset(word_list("from to cc bcc sender reply replyto"))
_ADDRESSED_PARTS = frozenset(word_list("address addresses email mail name phone number"))
_NAME_WORDS = frozenset(
    word_list(
        """name names fullname firstname lastname surname nickname email emails mail phone telephone mobile
        nom prénom prénoms courriel téléphone nombre nombres apellido apellidos correo teléfono nome cognome sobrenome
        telefono telefone naam voornaam achternaam vorname nachname telefonnummer mailadresse imię nazwisko имя
        фамилия телефон navn namn nimi"""
    )
)
# the other words of a question for a name: `What is your full name?`
_NAME_FILLERS = frozenset(
    word_list(
        """what is s are your you our full first last middle given family real complete and or e the a an please
        enter share give leave tell provide us optional contact number no address by preferred whats
        votre vos ton ta quel quelle est le la les et ou complet tu su sus cuál es el y o de completo completa
        ihr ihre ihren ihrem dein deine deinen wie ist lautet der die und oder bitte il lei tuo qual é o seu sua
        jouw uw je wat en volledige twoje jak masz na i ваше ваша как вас зовут и"""
    )
)
# Jira puts the name of a site's own field in brackets
_CUSTOM_FIELD = re.compile(
    r"(?:custom field|benutzerdefinierte[sn]? felde?r?|champs? personnalisés?|campo personalizado)\s*\((.+)\)",
    re.IGNORECASE,
)
_IDENTITY = frozenset(
    listed("who are you, wie heißen sie, wie heißt du, comment vous appelez-vous, как вас зовут, cómo te llamas")
)
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_PERSON_PARTS = frozenset(
    word_list("""name names id email mail phone address url link handle avatar picture image login domain""")
)


def is_personal(name: str) -> bool:
    """Return True if a column's name indicates personal data."""
    if match := _CUSTOM_FIELD.fullmatch(shown(name)):
        name = match[1]
    return _is_personal(name) or _is_personal(without_brackets(name))


def _is_personal(name: str) -> bool:
    own, parts = key(name), words(name)
    if own in _PERSONAL_KEYS or own in _IDENTITY or _person_path(own) or _STEMS.fullmatch(last(own)):
        return True
    if _is_done_by(parts) or _is_addressed(parts) or ("." not in own and _asks_for_name(parts)):
        return True
    if _PERSONAL_WORDS & set(parts[-2:]) and not is_question(name):
        return not _THINGS & set(parts[-1:])
    return _names_person(parts)


def _is_done_by(parts: list[str]) -> bool:
    """Recognise `Submitted by` and `sys_created_by`."""
    return 1 < len(parts) <= _MAX_BY_WORDS and parts[-1] == "by" and not _BY_THINGS & set(parts)


def _asks_for_name(parts: list[str]) -> bool:
    """Recognise `Your full name` and `Nom et prénom`; `Product name` has another word."""
    given = set(parts)
    return bool(given & _NAME_WORDS) and given <= _NAME_WORDS | _NAME_FILLERS


def _is_addressed(parts: list[str]) -> bool:
    return len(parts) > 1 and parts[0] in _ADDRESSED and parts[-1] in _ADDRESSED_PARTS


def _person_path(own: str) -> bool:
    """Return True if a JSON path leads through a person: `author.id`, `user.login`."""
    *parents, _ = own.split(".")
    # in JSON, anything may have a `name` or a `from`
    return any(part in _PERSONAL_KEYS - {"name", "names", "address", "age", "to", "from"} for part in parents) or (
        last(own) in _PERSONAL_KEYS - {"name", "age", "user", "address", "names", "to", "from", "by"} and "." in own
    )


def _names_person(parts: list[str]) -> bool:
    """Tell if the words are a person and one of a person's parts.

    `Requester email`, `Assignee Id`, `Author`.
    """
    if not 1 < len(parts) <= 4 or _THINGS & set(parts):
        return False
    people = [part for part in parts if part in _PERSON_WORDS]
    return bool(people) and (parts[-1] in _PERSON_PARTS or parts[-1] in _PERSON_WORDS)


def are_addresses(samples: Iterable[str]) -> bool:
    """Return True if a column's cells are e-mail or IP addresses, or phone numbers."""
    filled = [sample.strip() for sample in samples if sample.strip()]
    return bool(filled) and all(is_address(sample) or _IP.fullmatch(sample) or is_phone(sample) for sample in filled)

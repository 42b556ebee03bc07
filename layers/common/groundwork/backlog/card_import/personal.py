"""Detect columns with personal data: names, addresses, accounts."""

import re
from collections.abc import Iterable

from groundwork.backlog.card_import.names import is_question, key, last, listed, word_list, words

_PERSON_WORDS = frozenset(
    word_list(
        """author reviewer respondent requester requestor submitter assignee reporter creator owner agent customer
        user contact consumer member commenter collaborator collaborators poster sender recipient voter follower
        watcher participant interviewer interviewee lead employee person people staff client subscriber buyer
        shopper guest visitor patient student operator teammate admin admins assignees watchers voters followers
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
        fax, whatsapp, ip, ip address, ipaddress, address, street, street address, postal address, date of birth,
        birthday, birth date, dob, gender, age, ssn, passport, avatar, avatar url, photo, photo url,
        profile picture, profile url, profile link, linkedin, twitter, twitter handle, instagram, facebook,
        author, authors, by, from, to, cc, bcc, reviewer, respondent, requester, requestor, submitter, assignee,
        assignees, reporter, creator, created by, updated by, assigned to, assigned agent, from id, sender id,
        modified by, last modified by, owner, case owner, agent, contact, customer, consumer, member, members,
        collaborator, collaborators, voter, voters, follower, followers, watchers, watcher, participants, sender,
        recipient, employee, latitude, longitude, locationlatitude, locationlongitude, location latitude,
        location longitude, recipient email, external data reference, network id, webshop user id, device id,
        advertising id, idfa, cookie id, account manager, project lead, user profile, user_profile, user agent,
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
_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[A-Za-z]{2,24}")
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_PERSON_PARTS = frozenset(
    word_list("""name names id email mail phone address url link handle avatar picture image login domain""")
)


def is_personal(name: str) -> bool:
    """Return True if a column's name indicates personal data."""
    own = key(name)
    if own in _PERSONAL_KEYS or _person_path(own):
        return True
    parts = words(name)
    if _PERSONAL_WORDS & set(parts[-2:]) and not is_question(name):
        return not _THINGS & set(parts[-1:])
    return _names_person(parts)


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


def holds_addresses(samples: Iterable[str]) -> bool:
    """Return True if a column's cells are e-mail or IP addresses."""
    filled = [sample.strip() for sample in samples if sample.strip()]
    return bool(filled) and all(_MAIL.fullmatch(sample) or _IP.fullmatch(sample) for sample in filled)

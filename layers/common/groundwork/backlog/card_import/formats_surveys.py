"""Exports of survey and feedback tools. Data: see `export_format`."""

from groundwork.backlog.card_import.export_format import Format, SkippedRows, make_format

# these tools put an apostrophe before a would-be formula
_GUARD = ("guard",)

SURVEYS: tuple[Format, ...] = (
    make_format(
        "typeform",
        "Typeform",
        [
            "#, Start Date (UTC), Submit Date (UTC)",
            "#, Submit Date (UTC), Network ID",
            "Response Type, Submit Date (UTC), Network ID",
        ],
        ids="#",
        times="Submit Date (UTC), Stage Date (UTC), Start Date (UTC)",
        utc=True,
        personal="Network ID",
        questions=True,
        known="Response Type, Start Date (UTC), Stage Date (UTC), Tags, Ending, Outcome, Score, Winning Outcome ID",
        clean=_GUARD,
    ),
    make_format(
        "surveymonkey",
        "SurveyMonkey",
        [
            "Respondent ID, Collector ID, Start Date",
            "RespondentID, CollectorID, StartDate",
            "Respondent ID, Collector ID, Date Created",
            "Respondent ID, Collector ID, IP Address",
        ],
        ids="Respondent ID",
        times="End Date, Date Created, Start Date",
        order="mdy",
        questions=True,
        personal="IP Address, Email Address, First Name, Last Name, Custom Data 1, Custom Data",
        known="Collector ID, Start Date, End Date, Date Modified, Date Created",
    ),
    make_format(
        "qualtrics",
        "Qualtrics",
        [
            "StartDate, EndDate, ResponseId, Progress",
            "StartDate, EndDate, RecordedDate, Finished",
            "Start Date, End Date, Response ID, Progress",
            "ResponseId, Status, IPAddress",
        ],
        ids="ResponseId",
        times="RecordedDate, EndDate, StartDate, Recorded Date, End Date",
        questions=True,
        personal=(
            "IPAddress, IP Address, RecipientLastName, RecipientFirstName, RecipientEmail, ExternalReference, "
            "ExternalDataReference, LocationLatitude, LocationLongitude, Recipient Last Name, "
            "Recipient First Name, Recipient Email"
        ),
        known=(
            "Status, Progress, Duration (in seconds), Finished, DistributionChannel, UserLanguage, "
            "Response Type, StartDate, EndDate"
        ),
        skip=(SkippedRows("status", "survey preview|1", "preview of the survey"),),
    ),
    make_format(
        "microsoft-forms",
        "Microsoft Forms",
        [
            "ID, Start time, Completion time",
            # exports are in the language of the account
            "ID, Startzeit, Fertigstellungszeit",
            "ID, Heure de début, Heure de fin",
            "ID, Hora de inicio, Hora de finalización",
            "ID, 開始時刻, 完了時刻",
            "ID, Ora di inizio, Ora di completamento",
        ],
        times=(
            "Completion time, Fertigstellungszeit, Heure de fin, Hora de finalización, 完了時刻, Ora di completamento"
        ),
        questions=True,
        known=(
            "ID, Start time, Startzeit, Heure de début, Hora de inicio, 開始時刻, Ora di inizio, "
            "Last modified time, Language, Total points, Quiz feedback"
        ),
    ),
    make_format(
        "google-forms",
        "Google Forms",
        [
            "Timestamp",
            # exports are in the language of the account
            "Marca temporal",
            "Horodateur",
            "タイムスタンプ",
            "Zeitstempel",
            "Carimbo de data/hora",
            "Informazioni cronologiche",
            "Tijdstempel",
            "Sygnatura czasowa",
            "Отметка времени",
            "Zaman damgası",
            "时间戳记",
            "타임스탬프",
            "Tidstämpel",
            "Dấu thời gian",
        ],
        times=(
            "Timestamp, Marca temporal, Horodateur, タイムスタンプ, Zeitstempel, Carimbo de data/hora, "
            "Informazioni cronologiche, Tijdstempel, "
            "Sygnatura czasowa, Отметка времени, Zaman damgası, 时间戳记, 타임스탬프, Tidstämpel, Dấu thời gian"
        ),
        questions=True,
        personal="Email Address, Username",
        known="Score",
    ),
    make_format(
        "hotjar",
        "Hotjar",
        ["event, data.id, data.message", "event, version, data.id", "data.emotion, data.message"],
        text="data.message, data.comment, data.content, data.answers.answer, data.answers.value",
        ids="data.id",
        times="data.created_at, data.created, data.timestamp, timestamp",
    ),
    make_format(
        "hotjar-csv",
        "Hotjar",
        [
            "Number, User, Date Submitted, Country",
            "Source URL, Date Submitted, Country, Browser",
            "Emotion (1-5), Message",
        ],
        text="Message, Comment",
        ids="Response ID, ID",
        times="Date Submitted",
        questions=True,
        personal="User, User ID, Hotjar User ID, Email",
        known="Number, Country, Source URL, Device, Browser, OS, Emotion (1-5), Tags",
    ),
    make_format(
        "delighted",
        "Delighted",
        ["comment, score, permalink", "comment, score, survey_type", "Response ID, Score, Comment"],
        text="comment, additional_answers.value.free_response",
        ids="id, Response ID, permalink",
        times="created_at, Created at, Response created at, Responded at",
        personal=(
            "person, person.id, person.email, person.name, person_properties, Person ID, Person name, Person email"
        ),
    ),
)

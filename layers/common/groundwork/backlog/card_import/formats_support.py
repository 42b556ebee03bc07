"""Exports of help desks, chats and customer databases. Data: see `export_format`."""

from groundwork.backlog.card_import.export_format import Format, SkippedRows, make_format

# these tools put an apostrophe before a would-be formula
_GUARD = ("guard",)

SUPPORT: tuple[Format, ...] = (
    make_format(
        "zendesk-csv",
        "Zendesk",
        ["Summation column, Id", "Requester, Subject, Ticket type", "Requester id, Subject, Assignee, Status"],
        title="Subject",
        text="Description, Comment",
        ids="Id",
        times="Created at",
        personal=(
            "Requester, Requester id, Requester external id, Requester email, Requester domain, Submitter, Assignee"
        ),
        noise="Summation column",
        clean=_GUARD,
        note="Zendesk's ticket list holds subjects only: the JSON export has the descriptions too.",
    ),
    make_format(
        "zendesk-json",
        "Zendesk",
        [
            "id, subject, description, requester_id",
            "subject, description, via.channel, created_at",
            "raw_subject, description, requester_id",
        ],
        title="subject",
        text="description, groundwork.customer",
        ids="id",
        times="created_at",
        personal=(
            "requester_id, submitter_id, assignee_id, collaborator_ids, follower_ids, email_cc_ids, "
            "recipient, via.source.from, via.source.to, "
            "requester, submitter, assignee, comments.author_id, comments.author"
        ),
        noise="raw_subject, comments",
        # the description is plain text
        skip=(SkippedRows("status", "deleted", "deleted ticket"),),
    ),
    make_format(
        "intercom",
        "Intercom",
        [
            "source.type, source.body, conversation_parts.total_count",
            "source.body, source.delivered_as, state",
            "source.body, source.author.type, created_at",
            "groundwork.intercom, source.body",
        ],
        title="source.subject",
        text="source.body, groundwork.customer",
        ids="id",
        times="created_at",
        clean=("html",),
        noise="type, source.id, source.author.type, groundwork.intercom",
    ),
    make_format(
        "intercom-report",
        "Intercom",
        ["conversation_id, conversation_started_at, conversation_state"],
        ids="conversation_id",
        times="conversation_started_at",
        note="Intercom's report holds figures only, no message: export the conversations (JSON) instead.",
    ),
    make_format(
        "freshdesk",
        "Freshdesk",
        [
            "Ticket ID, Subject, Created time",
            "Ticket ID, Subject, Agent interactions",
            "Ticket Id, Subject, Requester Name",
        ],
        title="Subject",
        text="Description",
        ids="Ticket ID",
        times="Created time",
        personal="Full name, Agent, Contact ID, Email, Requester Name, Requester Email",
        clean=("html", "guard"),
        note="Freshdesk's ticket list may hold subjects only: add the description to the export.",
    ),
    make_format(
        "freshdesk-api",
        "Freshdesk",
        ["description_text, subject, requester_id"],
        title="subject",
        text="description_text",
        ids="id",
        times="created_at",
        # the same text as HTML
        noise="description, structured_description",
        personal="requester_id, responder_id, cc_emails, fwd_emails, reply_cc_emails, to_emails, support_email",
    ),
    make_format(
        "slack",
        "Slack",
        ["groundwork.channel, ts, text", "ts, text, user", "ts, text, client_msg_id", "ts, text, team"],
        text="text, groundwork.replies",
        ids="groundwork.id, client_msg_id, ts",
        times="ts",
        clean=("slack",),
        personal="user, user_profile, parent_user_id, username, inviter",
        noise="type, ts, blocks, user_team, source_team, team, reply_users, replies, last_read",
        skip=(
            SkippedRows(
                "subtype",
                r"(channel|group|pinned|bot|tombstone|reminder|huddle|sh)_.*|file_comment|me_message_deleted",
                "system message",
            ),
            SkippedRows("botid", ".+", "message of a bot"),
        ),
    ),
    make_format(
        "salesforce-report",
        "Salesforce",
        [
            "Case Number, Subject, Description",
            "Case Number, Subject, Date/Time Opened",
            "Case Number, Subject, Status",
            # reports are in the language of the user
            "Kundenvorgangsnummer, Betreff",
            "Numéro de la requête, Objet",
            "Número del caso, Asunto",
        ],
        title="Subject, Betreff, Objet, Asunto",
        text="Description, Beschreibung, Descripción",
        ids="Case Number, Kundenvorgangsnummer, Numéro de la requête, Número del caso, Case ID",
        times="Date/Time Opened, Opened Date, Created Date, Datum/Uhrzeit des Öffnens",
        personal="Case Owner, Contact Name, Contact Email, Created By, Case Owner Alias",
    ),
    make_format(
        "salesforce-export",
        "Salesforce",
        ["Id, CaseNumber, IsDeleted, Subject", "Id, CaseNumber, Description, CreatedDate"],
        title="Subject",
        text="Description",
        ids="Id, CaseNumber",
        times="CreatedDate",
        utc=True,
        personal=(
            "ContactId, OwnerId, CreatedById, LastModifiedById, SuppliedName, SuppliedEmail, SuppliedPhone, "
            "ContactPhone, ContactEmail, ContactMobile, ContactFax"
        ),
        skip=(SkippedRows("isdeleted", "1|true", "deleted case"),),
    ),
    make_format(
        "hubspot",
        "HubSpot",
        ["Ticket ID, Ticket name, Pipeline", "Ticket ID, Ticket name, Ticket status"],
        title="Ticket name",
        text="Ticket description",
        ids="Ticket ID",
        times="Create date",
        personal="Ticket owner",
        clean=("html",),
    ),
    make_format(
        "discord",
        "Discord",
        ["content, timestamp, author.id, type"],
        text="content",
        ids="id",
        times="timestamp",
        skip=(
            SkippedRows(
                "type",
                # 0 is a message and 19 a reply: both stay
                "GuildMemberJoin|ChannelPinnedMessage|RecipientAdd|ThreadCreated|.*Subscription.*|.*Call|[1-9]|1[0-7]",
                "system message",
            ),
            SkippedRows("author.isbot", "true", "message of a bot"),
        ),
    ),
    make_format(
        "telegram",
        "Telegram",
        ["date_unixtime, from_id, text", "date_unixtime, text, type", "date, from_id, text, type"],
        text="text",
        ids="id",
        # `date` has no zone
        times="date_unixtime, date",
        personal="from, from_id, actor, actor_id, author",
        noise="text_entities.type, text_entities.text",
        skip=(SkippedRows("type", "service", "system message"),),
    ),
)

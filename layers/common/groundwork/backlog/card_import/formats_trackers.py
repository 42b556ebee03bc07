"""Exports of idea boards and issue trackers. Data: see `export_format`."""

from groundwork.backlog.card_import.export_format import Format, SkippedRows, make_format

# these tools put an apostrophe before a would-be formula
_GUARD = ("guard",)

TRACKERS: tuple[Format, ...] = (
    make_format(
        "canny",
        "Canny",
        ["details, commentCount, score, title", "details, title, board.name", "details, title, board.id"],
        title="title",
        text="details",
        ids="id",
        times="created",
        clean=("comments",),
        personal="author.id, author.name, author.email, by.id, by.name, by.email",
    ),
    make_format(
        "canny-csv",
        "Canny",
        [
            "Title, Details, Board, Votes",
            "Title, Details, Board, Score",
            "Post ID, Title, Details",
            "Title, Details, Author name",
            "Title, Details, Status, Category, Author",
        ],
        title="Title",
        text="Details",
        ids="Post ID, ID, URL, Post URL, Link",
        times="Created, Created at, Created date, Date",
        clean=_GUARD,
    ),
    make_format(
        "productboard",
        "Productboard",
        [
            "content, display_url, title",
            "content, external_display_url",
            "fields.content, links.html",
            "fields.name, fields.content, type",
        ],
        title="title, fields.name, fields.title",
        text="content, fields.content",
        ids="id",
        times="created_at, createdAt, fields.createdAt",
        clean=("html",),
        personal="user, user.email, user.id, owner, owner.email, fields.owner.email, fields.creator.email",
    ),
    make_format(
        "productboard-csv",
        "Productboard",
        [
            "Note title, Note text",
            "Note title, Note content",
            "Title, Content, Note URL",
            "Title, Content, Display URL",
            "Note ID, Content",
            "Title, Content, Company, Owner",
        ],
        title="Note title, Title",
        text="Note text, Note content, Content",
        ids="Note ID, ID, Note URL, Display URL, URL",
        times="Created at, Created",
        clean=("html", "guard"),
    ),
    make_format(
        "uservoice",
        "UserVoice",
        [
            "Idea Id, Idea Title, Idea Description",
            "Idea Id, Idea Title, Voters Count",
            "Idea Id, Idea Title, Forum Name",
            "Id, Title, Body, BodyMimeType",
        ],
        title="Idea Title, Title",
        text="Idea Description, Body",
        ids="Idea Id, Id",
        times="Created Timestamp, CreatedAt",
        utc=True,
        personal=(
            "Idea Creator Name, Idea Creator Email Address, User Email Address, User Name, User Id, User External Id"
        ),
        one_per_id=True,
        clean=("html", "guard"),
        skip=(SkippedRows("moderationstate", "spam|deleted|rejected", "spam or deleted idea"),),
    ),
    make_format(
        "jira",
        "Jira",
        [
            "Issue key, Issue id",
            "Issue key, Summary",
            # exports are in the language of the user
            "Vorgangsschlüssel, Zusammenfassung",
            "Clé de ticket, Résumé",
            "Clave de incidencia, Resumen",
            "Chave da item, Resumo",
            "Chiave ticket, Riepilogo",
            "課題キー, 要約",
            "Issue-sleutel, Samenvatting",
        ],
        title="Summary, Zusammenfassung, Résumé, Resumen, Resumo, Riepilogo, 要約, Samenvatting",
        text="Description, Beschreibung, Descripción, Descrição, Descrizione, 説明, Omschrijving",
        ids=(
            "Issue key, Vorgangsschlüssel, Clé de ticket, Clave de incidencia, Chave da item, Chiave ticket, "
            "課題キー, Issue-sleutel, Issue id, Vorgangs-ID, ID de ticket"
        ),
        times="Created, Erstellt, Création, Creada, Criado, Creato, 作成日",
        clean=("mentions", "guard"),
        personal=(
            "Assignee, Assignee Id, Reporter, Reporter Id, Creator, Creator Id, Watchers, Watchers Id, "
            "Project lead, Project lead id, "
            "Zugewiesene Person, Autor, Ersteller, Beobachter, Rapporteur, Responsable, Créateur, Observateurs"
        ),
    ),
    make_format(
        "jira-api",
        "Jira",
        ["key, fields.summary"],
        title="fields.summary",
        text="fields.description, renderedFields.description",
        ids="key",
        times="fields.created",
        clean=("html", "mentions"),
    ),
    make_format(
        "linear",
        "Linear",
        ["ID, Team, Title, Description", "Title, Description, Cycle Number", "Title, Description, Triaged, Canceled"],
        title="Title",
        text="Description",
        ids="ID, UUID",
        times="Created",
        personal="Creator, Assignee",
        clean=_GUARD,
    ),
    make_format(
        "github",
        "GitHub",
        ["html_url, node_id, body", "html_url, number, title", "number, title, body, user.login"],
        title="title",
        text="body",
        ids="html_url, node_id",
        times="created_at",
        clean=("comments",),
        personal=(
            "user, user.login, user.id, user.node_id, assignee, assignee.login, assignees, assignees.login, "
            "closed_by.login"
        ),
        # the API lists pull requests among the issues
        skip=(
            SkippedRows("pullrequest.url", ".+", "pull request"),
            SkippedRows("pullrequest.htmlurl", ".+", "pull request"),
        ),
    ),
    make_format(
        "github-cli",
        "GitHub",
        ["title, body, url, number", "title, body, author.login, createdAt", "url, stateReason, title"],
        title="title",
        text="body",
        ids="url, id",
        times="createdAt",
        clean=("comments",),
        personal=(
            "author.login, author.id, author.name, assignees.login, assignees.name, assignees.id, comments.author.login"
        ),
    ),
    make_format(
        "gitlab",
        "GitLab",
        ["Issue ID, URL, Title, State", "Title, Description, Issue ID, URL", "Issue ID, Title, Author Username"],
        title="Title",
        text="Description",
        ids="URL, Issue ID",
        times="Created At (UTC), Created At",
        utc=True,
        clean=("comments", "guard"),
        personal="Author, Author Username, Assignee, Assignee Username",
    ),
    make_format(
        "gitlab-api",
        "GitLab",
        ["iid, web_url, title"],
        title="title",
        text="description",
        ids="web_url, id",
        times="created_at",
        clean=("comments",),
    ),
    make_format(
        "trello",
        "Trello",
        ["idShort, idBoard, name, desc", "idShort, idList, name", "Card ID, Card Name, Card URL"],
        title="name, Card Name",
        text="desc, Card Description, groundwork.comments",
        ids="id, Card ID",
        # a board's export has no creation time; `json_documents` reads it off the id
        times="groundwork.created",
        personal="idMembers, idMembersVoted, idMemberCreator, Members",
        noise=(
            "pos, dateLastActivity, checkItemStates, idBoard, idList, idLabels, idChecklists, descData, "
            "cover, limits, badges"
        ),
    ),
    make_format(
        "asana",
        "Asana",
        ["Task ID, Name, Notes", "Task ID, Name, Section/Column", "gid, name, notes"],
        title="Name",
        text="Notes",
        ids="Task ID, gid",
        times="Created At",
        personal="Assignee, Assignee Email",
        clean=_GUARD,
    ),
    make_format(
        "dovetail",
        "Dovetail",
        ["Title, Content, Dovetail ID", "Note title, Note content, Tags"],
        title="Title",
        text="Content",
        ids="Dovetail ID",
    ),
    make_format(
        "azure-devops",
        "Azure DevOps",
        ["Work Item Type, Title, State"],
        title="Title",
        # a bug has Repro Steps in place of a description
        text="Description, Repro Steps",
        ids="ID",
        times="Created Date",
        clean=("html",),
        personal="Assigned To, Created By, Changed By",
    ),
)

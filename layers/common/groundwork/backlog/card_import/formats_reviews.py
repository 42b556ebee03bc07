"""Exports of stores and places where people review or discuss products.

Data: see `export_format`.
"""

from groundwork.backlog.card_import.export_format import Format, SkippedRows, make_format

_DELETED = r"\[?(deleted|removed|redacted|deleted by user)\]?"
# these tools put an apostrophe before a would-be formula
_GUARD = ("guard",)

REVIEWS: tuple[Format, ...] = (
    make_format(
        "google-play",
        "Google Play",
        [
            "Review Submit Millis Since Epoch, Review Text",
            "Package Name, Star Rating, Review Text",
            "Review Submit Date and Time, Star Rating, Review Link",
        ],
        title="Review Title",
        text="Review Text",
        ids="Review Link",
        times="Review Submit Millis Since Epoch, Review Submit Date and Time",
        clean=_GUARD,
    ),
    make_format(
        "google-play-api",
        "Google Play",
        ["reviewId, comments.userComment.text", "reviewId, comments.userComment.lastModified.seconds"],
        text="comments.userComment.originalText, comments.userComment.text",
        ids="reviewId",
        times="comments.userComment.lastModified.seconds",
        personal="authorName",
    ),
    make_format(
        "app-store-connect",
        "App Store",
        ["attributes.rating, attributes.body, attributes.createdDate", "attributes.body, attributes.reviewerNickname"],
        title="attributes.title",
        text="attributes.body",
        ids="id",
        times="attributes.createdDate",
        personal="attributes.reviewerNickname",
        noise="type, links.self",
    ),
    make_format(
        "app-store-connect-csv",
        "App Store",
        [
            "Rating, Title, Review, Nickname",
            "Rating, Title, Body, Reviewer Nickname",
            "App Name, App Store, Rating, Title, Review",
        ],
        title="Title",
        text="Review, Body",
        ids="Review ID, ID",
        times="Created Date, Date, Submission Date, Last Modified",
        personal="Nickname, Reviewer Nickname",
    ),
    make_format(
        "app-store-rss",
        "App Store",
        ["im:rating, content, id", "im:rating, title, author.name"],
        title="title",
        text="content",
        ids="id",
        times="updated",
        noise="link, im:contenttype",
    ),
    make_format(
        "g2",
        "G2",
        ["What do you like best, What do you dislike"],
        headings=(
            "What do you like best, What do you dislike, What problems is, What problems are, "
            "What business problems, Recommendations to, What are you solving"
        ),
        title="Review Title, Title, Headline",
        ids="Review ID, Survey Response ID, ID, Review URL, Review Link, URL",
        times="Submitted At, Date Submitted, Submitted, Published At, Published, Review Date, Date",
        questions=True,
    ),
    make_format(
        "trustpilot",
        "Trustpilot",
        ["Review Content, Review Stars, Review Id", "Review Title, Review Content, Review Stars"],
        title="Review Title",
        text="Review Content",
        ids="Review Id",
        times="Review Created (UTC)",
        utc=True,
        personal="Review Consumer User Id, Review Username, Review User Email",
    ),
    make_format(
        "trustpilot-product",
        "Trustpilot",
        ["stars, content, consumer_name, created_at"],
        text="content",
        times="created_at",
        personal="consumer_name",
        ids="id",
    ),
    make_format(
        "capterra",
        "Capterra",
        ["Pros, Cons, Overall", "Pros, Cons, Overall Rating", "Pros, Cons, Review Title", "Pros, Cons, Comments"],
        title="Review Title, Title, Headline",
        text="Pros, Cons, Overall, Comments, General Comments, Overall Comments, Reasons for Switching",
        ids="Review ID, ID, Review URL, URL",
        times="Review Date, Submitted, Published Date, Written On, Date",
        questions=False,
    ),
    make_format(
        "reddit",
        "Reddit",
        ["kind, data.name, data.created_utc", "data.selftext, data.title", "data.body, data.name"],
        title="data.title",
        text="data.selftext, data.body",
        ids="data.name, data.id",
        times="data.created_utc",
        clean=("unescape",),
        personal="data.author, data.author_fullname",
        noise="kind",
        skip=(
            SkippedRows("data.selftext", _DELETED, "deleted or removed post"),
            SkippedRows("data.body", _DELETED, "deleted or removed post"),
            SkippedRows("data.author", r"\[deleted\]", "deleted or removed post"),
            # a listing has users, communities and "load more" stubs beside its posts
            SkippedRows("kind", "more|t5|t2", "no post"),
        ),
    ),
    make_format(
        "reddit-flat",
        "Reddit",
        ["selftext, title, created_utc", "body, subreddit, created_utc"],
        title="title",
        text="selftext, body",
        ids="name, id",
        times="created_utc",
        clean=("unescape",),
        personal="author, author_fullname",
        skip=(
            SkippedRows("selftext", _DELETED, "deleted or removed post"),
            SkippedRows("body", _DELETED, "deleted or removed post"),
        ),
    ),
    make_format(
        "youtube",
        "YouTube",
        [
            "id, snippet.topLevelComment.snippet.textOriginal",
            "id, snippet.topLevelComment.snippet.textDisplay",
        ],
        text="snippet.topLevelComment.snippet.textOriginal",
        ids="id",
        times="snippet.topLevelComment.snippet.publishedAt",
        noise=(
            # the same text as HTML
            "snippet.topLevelComment.snippet.textDisplay, "
            "etag, snippet.topLevelComment.etag, kind, snippet.topLevelComment.kind"
        ),
        personal="snippet.topLevelComment.snippet.authorDisplayName, snippet.topLevelComment.snippet.authorChannelUrl, "
        "snippet.topLevelComment.snippet.authorProfileImageUrl, snippet.topLevelComment.snippet.authorChannelId",
    ),
    make_format(
        "discourse",
        "Discourse",
        ["cooked, topic_id, post_number", "raw, topic_id, post_number"],
        # `raw` is the text as written; public listings have the HTML, `cooked`, only
        text="raw, cooked",
        plain="raw",
        ids="id",
        times="created_at",
        clean=("html",),
        personal="username, avatar_template, user_id, display_username",
    ),
)

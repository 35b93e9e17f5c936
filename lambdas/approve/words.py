"""The pages' sentences in Simplified Chinese, by the English ones, and which of the two a reader wants."""

import re
from collections.abc import Callable

Say = Callable[[str], str]

CHINESE = {
    "A launch waits for your decision": "产品启动等待您的决定",
    "An update waits for your decision": "更新等待您的决定",
    "Read what is asked, then approve or reject. If nobody decides in time, it is rolled back.": (
        "请先查看申请内容，然后批准或拒绝。如果无人及时决定，将自动回滚。"
    ),
    "What is asked": "申请内容",
    "Asked by": "申请人",
    "First launched by": "最初的启动人",
    "unknown; AWS does not say who updates": "未知；AWS 不提供更新人的信息",
    "unknown": "未知",
    "Address given": "填写的邮箱",
    "typed by somebody, proves nothing": "由他人填写，不能作为证明",
    "Product": "产品",
    "not from Service Catalog": "并非来自 Service Catalog",
    "Description": "说明",
    "Stack": "堆栈",
    "Account": "账户",
    "Region": "区域",
    "Decide until": "决定截止时间",
    "about {} hours left": "约剩 {} 小时",
    "about {} minutes left": "约剩 {} 分钟",
    "Parameters": "参数",
    "none": "无",
    "hidden": "已隐藏",
    "empty": "空",
    "cut, {} characters in all": "已截断，共 {} 个字符",
    "What would be created": "将要创建的资源",
    "What the stack would consist of": "更新后堆栈包含的资源",
    "The list may be incomplete: a macro or a cut template hides some.": (
        "此列表可能不完整：宏或被截断的模板会隐藏部分资源。"
    ),
    "This product uses the classic gate: whoever can read the stack can also let it pass without you.": (
        "此产品使用经典审批关卡：凡能读取该堆栈的人，也可以绕过您让它通过。"
    ),
    "Is it your own? Then leave the decision to somebody else. A link cannot tell who you are: "
    "your name is recorded as you type it.": (
        "这是您自己发起的申请吗？如果是，请由他人来决定。链接无法识别您的身份：系统将按您填写的内容记录姓名。"
    ),
    "Your decision": "您的决定",
    "Code": "验证码",
    "The 8 characters in the mail, below the link.": "邮件中链接下方的 8 个字符。",
    "Your name": "您的姓名",
    "It is recorded with the decision, and the requester sees it.": "姓名会随决定一起记录，申请人可以看到。",
    "Reason": "理由",
    "Needed to reject. The requester reads it.": "拒绝时必填。申请人会看到。",
    "Approve": "批准",
    "Reject": "拒绝",
    "Please check what is marked. Nothing was decided.": "请检查标出的内容。尚未作出任何决定。",
    "Type the code: 8 letters and digits.": "请输入验证码：8 个字母和数字。",
    "Type your name, at most 100 characters.": "请填写您的姓名，最多 100 个字符。",
    "Say why, so that the requester knows what to change.": "请说明理由，以便申请人知道需要修改什么。",
    "At most 1,000 characters, please.": "请勿超过 1,000 个字符。",
    "Choose Approve or Reject.": "请选择批准或拒绝。",
    "Go to the form": "转到表单",
    "This code is wrong.": "验证码错误。",
    "Tries left: {}. Then this link is locked.": "剩余尝试次数：{}。用完后此链接将被锁定。",
    "This link leads nowhere": "此链接无效",
    "It is not one of ours, was changed on its way, or its time is over. Nothing was decided. "
    "Please open the link exactly as the mail has it.": (
        "它不是本系统的链接、在传送途中被改动，或已经过期。未作出任何决定。请完全按照邮件中的内容打开链接。"
    ),
    "This link is locked": "此链接已锁定",
    "Five wrong codes were typed, so nothing can be decided with this link or anybody else's copy of the mail. "
    "If there is a desk, decide there; else ask the requester to stop the launch and start it again.": (
        "已输入五次错误的验证码，因此无法再通过此链接或其他人收到的同一邮件作出决定。"
        "如果有审批台，请在审批台作出决定；否则请让申请人中止该启动并重新发起。"
    ),
    "Decide at the desk instead, where you are known.": "也可以在审批台作出决定，那里可以确认您的身份。",
    "Approved": "已批准",
    "Rejected": "已拒绝",
    "Withdrawn": "已撤回",
    "The time is over": "时间已到",
    "Your answer came too late and changed nothing.": "您的答复已过期，没有改变任何内容。",
    "Nobody decided in time, so CloudFormation was told to end this update; everything stays as it was. "
    "It can still be granted at the desk: the same update then passes when it is tried again.": (
        "无人及时作出决定，因此已通知 CloudFormation 结束此次更新，一切保持原状。"
        "仍可在审批台批准：之后再次尝试相同的更新时即可通过。"
    ),
    "This was decided before. Your answer changed nothing.": "此前已有决定。您的操作没有改变任何内容。",
    "The decision": "决定内容",
    "Decision": "决定",
    "Tell CloudFormation": "通知 CloudFormation",
    "Decided by": "决定人",
    "Decided at": "决定时间",
    "How": "方式",
    "by e-mail link": "通过邮件链接",
    "at the desk": "在审批台",
    "The name is as it was typed; a link cannot tell whether people decide about launches of their own.": (
        "姓名按填写内容显示；链接无法判断是否有人审批了自己的启动。"
    ),
    "CloudFormation was told; the stack goes on.": "已通知 CloudFormation，堆栈将继续创建。",
    "CloudFormation was told; the update goes on.": "已通知 CloudFormation，更新将继续。",
    "CloudFormation was told; the update is rolled back.": "已通知 CloudFormation，更新将回滚。",
    "CloudFormation was told; the stack is rolled back.": "已通知 CloudFormation，堆栈将回滚。",
    "CloudFormation ended the wait.": "CloudFormation 已结束等待。",
    "Recorded, but CloudFormation was not told yet": "已记录，但尚未通知 CloudFormation",
    "The decision stands; the stack still waits. Type the code to tell CloudFormation now.": (
        "决定已生效，但堆栈仍在等待。请输入验证码，立即通知 CloudFormation。"
    ),
    "Try again": "重试",
    "The decision stands, but the wait takes no answer any more. The stack will roll back when its time is over; "
    "the launch or update has to be started again.": (
        "决定已生效，但该等待已不再接收答复。堆栈将在超时后回滚，需要重新发起启动或更新。"
    ),
    "The wait is over": "等待已结束",
    "CloudFormation ended the wait before anybody decided, for example because the launch was stopped. "
    "There is nothing to decide any more.": (
        "在有人作出决定之前，CloudFormation 已结束等待，例如启动已被中止。已无需作出决定。"
    ),
    "Too late": "已过期",
    "The time to decide ended {}. The stack rolls back by itself; the launch or update can be started again.": (
        "决定时间已于 {} 截止。堆栈将自行回滚，可以重新发起启动或更新。"
    ),
    "This cannot be decided here": "无法在此作出决定",
    "The address this launch waits at is not one of CloudFormation, so it is not called. Nothing was decided. "
    "Please tell your administrator.": (
        "此启动所等待的地址不属于 CloudFormation，因此不会被调用。未作出任何决定。请告知您的管理员。"
    ),
    "This does not work here": "此处不支持该操作",
    "Please open the link from the mail in a browser.": "请在浏览器中打开邮件中的链接。",
    "That was too much": "提交的内容过多",
    "What was sent is too large. Nothing was decided.": "提交的内容过大。未作出任何决定。",
    "Something went wrong": "出现问题",
    "Nothing was changed. Please wait a minute and open the link again.": ("没有任何更改。请稍等片刻后重新打开链接。"),
    "It is not certain whether your decision was recorded. Please open the link again: it shows what was decided.": (
        "无法确定您的决定是否已被记录。请重新打开链接查看已作出的决定。"
    ),
}


def english(sentence: str) -> str:
    return sentence


def speaker_for(accepted: str) -> tuple[str, Say]:
    """The page's language and its words, by an Accept-Language header; English for whoever asks for neither."""
    best = {"en": 0.0, "zh": 0.0}
    for wish in accepted.lower().split(",")[:50]:
        match = re.fullmatch(r"\s*(en|zh)(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", wish)
        if match:
            best[match[1]] = max(best[match[1]], float(match[2] or 1))
    # At equal wishes the first one named is meant.
    first = accepted.lower().find("zh") < accepted.lower().find("en") or "en" not in accepted.lower()
    chinese = best["zh"] > best["en"] or (best["zh"] == best["en"] > 0 and first)
    return ("zh-CN", CHINESE.__getitem__) if chinese else ("en", english)
